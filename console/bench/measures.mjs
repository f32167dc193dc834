import { RUNS, SPANS, TRACE, median, quantile, rounded } from './figures.mjs';

const FRAME_LIMIT_MS = 50;
const usable = (page) =>
  page.waitForFunction(() => window.aosWatch.usableMs).then((handle) => handle.jsonValue());

/** A reload of somebody who is signed in, with nothing kept by the browser and with everything kept. */
export async function firstView({ open }) {
  const cold = [];
  const warm = [];
  for (let round = 0; round < 5; round++) {
    const { page, close } = await open();
    await page.goto('/console/');
    cold.push(await usable(page));
    await page.reload();
    warm.push(await usable(page));
    await close();
  }
  return [
    verdict('first view, cold cache', median(cold), 'ms', 1_500, {
      all: cold.map((ms) => rounded(ms)),
    }),
    verdict('first view, warm cache', median(warm), 'ms', 1_500, {
      all: warm.map((ms) => rounded(ms)),
    }),
  ];
}

export async function listOfRuns({ open }) {
  const { page, close } = await open();
  await page.goto('/console/projects');
  const list = page.locator('aos-data-table .scroller');
  await list.locator('[role=row]').nth(5).waitFor();
  await quiet(page);
  const seen = await scroll(page, list, { strokes: 60, distance: 2_400 });
  const { frames, tasks } = seen;
  const depth = await list.evaluate((element) => Math.round(element.scrollTop / 36));
  await close();
  return [smooth(`list of ${RUNS} runs, scrolled`, frames, tasks, { rowsPassed: depth })];
}

export async function waterfall({ open }) {
  const { page, close } = await open();
  await page.goto(`/console/monitor/traces/${TRACE}`);
  const tree = page.locator('aos-waterfall .tree');
  await tree.locator('.row').nth(5).waitFor();
  await quiet(page);
  const down = await scroll(page, tree, { strokes: 40, distance: 3_000 });
  const zoomed = await watched(page, async () => {
    await tree.focus();
    for (const key of ['w', 'e', 'w', 'e']) {
      await page.keyboard.press(key);
      await page.evaluate(
        () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
      );
    }
    await drag(page);
  });
  await close();
  return [
    smooth(`trace of ${SPANS} spans, scrolled`, down.frames, down.tasks),
    smooth('the same, zoomed, expanded and folded', zoomed.frames, zoomed.tasks),
  ];
}

/** One event at a time, each of a task that was quiet, so that no window of gathering is open. */
export async function commitToCard({ open, order }) {
  const { page, close } = await open();
  await page.goto('/console/');
  await usable(page);
  await page.waitForSelector('.live.live');
  const delays = [];
  for (let n = 0; n < 60; n++) {
    const mark = `Marked event ${n}.`;
    const painted = page.evaluate(
      ([selector, text]) => window.aosWatch.whenPainted(selector, text),
      ['aos-value-stream .cards', mark],
    );
    const { committedAt } = await order({ op: 'commit', mark });
    delays.push((await painted) - committedAt);
  }
  await close();
  return [
    verdict('commit to card painted, p95', quantile(delays, 0.95), 'ms', 250, {
      p50: median(delays),
      max: Math.max(...delays),
    }),
  ];
}

export async function flood({ open, order, devtools, perSecond = 500, seconds = 60 }) {
  const { page, close } = await open();
  await page.goto('/console/');
  await usable(page);
  await page.waitForSelector('.live.live');
  const session = await devtools(page);
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'JSHeapUsedSize').value / 1e6;
  };
  await session.send('Performance.enable');
  await order({ op: 'flood', perSecond, seconds: 6 }); // the store fills up to what it keeps
  const heaps = [await heap()];
  const halves = [];
  let rate;
  for (let half = 0; half < 2; half++) {
    await page.evaluate(() => window.aosWatch.start());
    const running = order({ op: 'flood', perSecond, seconds: seconds / 2 });
    let isOver = false;
    void running.then(() => (isOver = true));
    while (!isOver) {
      await page.focus('#goal');
      await page.keyboard.press('a');
      await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
    }
    const { sent, tookMs } = await running;
    rate = (sent / tookMs) * 1000;
    halves.push(await page.evaluate(() => window.aosWatch.stop()));
    heaps.push(await heap());
  }
  await close();
  const frames = halves.flatMap((half) => half.frames);
  const tasks = halves.flatMap((half) => half.tasks);
  const inputs = halves.flatMap((half) => half.inputs);
  const growth = (heaps[2] - heaps[1]) / heaps[1];
  return [
    verdict('500 events/s: key to paint, p95', quantile(inputs, 0.95), 'ms', 100, {
      reached: `${rounded(rate)} events/s`,
      p50: rounded(quantile(inputs, 0.5)),
      max: rounded(Math.max(0, ...inputs)),
      keys: inputs.length,
    }),
    verdict('500 events/s: longest frame', Math.max(...frames), 'ms', 200, {
      p95: rounded(quantile(frames, 0.95)),
      over50: frames.filter((ms) => ms > FRAME_LIMIT_MS).length,
      of: frames.length,
      longTasksMs: rounded(tasks.reduce((sum, ms) => sum + ms, 0)),
    }),
    verdict('500 events/s: growth of the heap in the second half', growth * 100, '%', 5, {
      heapMB: heaps.map((mb) => rounded(mb, 1)),
    }),
  ];
}

// ── How it is looked at ───────────────────────────────────────────────────────────────────────────

async function watched(page, work) {
  await page.evaluate(() => window.aosWatch.start());
  await work();
  return page.evaluate(() => window.aosWatch.stop());
}

const scroll = (page, element, { strokes, distance }) =>
  watched(page, async () => {
    const box = await element.boundingBox();
    await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
    for (let n = 0; n < strokes; n++) {
      // As a wheel turns: a stroke is a dozen small steps.
      for (let step = 0; step < 12; step++) {
        await page.mouse.wheel(0, distance / 12);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
      }
    }
  });

/** Across the middle of the bars, which zooms in on that part of the time. */
async function drag(page) {
  const box = await page.locator('aos-waterfall .track').first().boundingBox();
  const y = box.y + box.height + 100;
  await page.mouse.move(box.x + box.width * 0.3, y);
  await page.mouse.down();
  for (let n = 0; n <= 20; n++) await page.mouse.move(box.x + box.width * (0.3 + n * 0.02), y);
  await page.mouse.up();
  await page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
}

/** Until the browser has had nothing to do for a while: rooms that are fetched ahead are not what is measured. */
const quiet = (page) =>
  page
    .waitForLoadState('networkidle')
    .then(() =>
      page.evaluate(
        () => new Promise((done) => window.requestIdleCallback(done, { timeout: 3_000 })),
      ),
    );

function smooth(what, frames, tasks, more = {}) {
  return verdict(`${what}: longest frame`, Math.max(...frames), 'ms', FRAME_LIMIT_MS, {
    p50: rounded(quantile(frames, 0.5), 1),
    p99: rounded(quantile(frames, 0.99), 1),
    over50: frames.filter((ms) => ms > FRAME_LIMIT_MS).length,
    of: frames.length,
    longTasks: tasks.length,
    ...more,
  });
}

function verdict(what, value, unit, aim, more) {
  return { what, value: rounded(value, 1), unit, aim, isMet: value <= aim, ...more };
}
