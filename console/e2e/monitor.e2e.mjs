import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appears,
  asPerson,
  comesTo,
  csv,
  fits,
  letIn,
  plan,
  seriousFaults,
  signIn,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

/** A run that reads one file and is over by itself. */
async function runOnce(person, goal) {
  const { artifactId } = await person.upload('strikes.csv', csv);
  const accepted = await person.post('/api/run', {
    goal,
    steps: [plan[0]],
    inputs: [{ name: 'data', artifactId }],
  });
  return accepted.traceId;
}

test('the overview counts a run, keeps its range in the address and has a table behind a chart', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  await page.goto('/console/monitor');
  await page.waitForSelector('.pulse.on');
  await page.getByRole('button', { name: '15 min' }).click();
  await page.waitForURL(/range=15m/);
  await runOnce(person, 'To be counted');
  await page.waitForSelector('aos-chart canvas');
  const jobs = page.locator('aos-chart').filter({ hasText: 'Jobs ended' });
  const asTable = jobs.getByRole('button', { name: 'Jobs ended as a table' });
  await asTable.click({ timeout: 60_000 });
  // Runs of other people may have ended in the same step of time.
  await jobs
    .locator('tbody td')
    .getByText(/^[1-9]\d*$/)
    .first()
    .waitFor();
  assert.match(await jobs.locator('thead').innerText(), /Time \(\w+/);
  await page.reload();
  const quarter = page.getByRole('button', { name: '15 min' });
  await comesTo(() => quarter.getAttribute('aria-pressed'), 'true');
  await page.waitForSelector('aos-chart canvas');
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(faults, []);
  await close();
});

test('the log follows a run, can be held, is filtered in the address and leads to the trace', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  await page.goto('/console/monitor/logs');
  await page.waitForSelector('.state.on');
  const first = await runOnce(person, 'First to be logged');
  await page.locator('[role=row]', { hasText: 'task.acceptance' }).first().waitFor();
  await page.getByTestId('pause').click();
  await runOnce(person, 'Second to be logged');
  await page
    .getByTestId('resume')
    .getByText(/\d+ new/)
    .waitFor();
  await page.getByTestId('resume').click();
  await page.getByTestId('pause').waitFor();

  await page.goto(`/console/monitor/logs?traceId=${first}&level=info`);
  const receipt = page.locator('[role=row]', { hasText: 'task.receipt' }).first();
  await receipt.waitFor();
  await receipt.click();
  await page.waitForURL(/line=\d+/);
  const panel = page.getByRole('complementary');
  await panel.getByRole('tree').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await panel.getByRole('button', { name: 'Lines around it' }).click();
  await page.waitForURL(/around=/);
  await page.locator('[role=row]', { hasText: 'POST /api/run' }).first().waitFor();
  await panel.getByRole('link', { name: 'Trace', exact: true }).click();
  await page.waitForURL(new RegExp(`/monitor/traces/${first}`));
  assert.deepEqual(faults, []);
  await close();
});

test('a trace is found, walked by keys, searched, and shows what the tool was given', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  const traceId = await runOnce(person, 'A goal like no other');
  await page.goto('/console/monitor/traces?status=succeeded&text=like%20no%20other');
  const reload = page.getByRole('button', { name: 'Reload' });
  const row = page.locator('[role=row]', { hasText: 'A goal like no other' });
  // Pressed once the last answer is drawn: while it is under way the button takes no press.
  await appears(row, () => reload.click());
  await row.first().getByRole('link').click();
  await page.waitForURL(new RegExp(traceId));
  const tool = page.locator('[role=treeitem]', { hasText: 'tool skills.csv.profile' });
  await appears(tool, async () => {
    await page.reload();
    await page.locator('[role=treeitem], .none').first().waitFor();
  });
  const items = page.locator('[role=treeitem]');
  const all = await items.count();
  await page.keyboard.press('w');
  await page.waitForFunction((n) => document.querySelectorAll('[role=treeitem]').length < n, all);
  await page.keyboard.press('e');
  await page.waitForFunction((n) => document.querySelectorAll('[role=treeitem]').length === n, all);
  await page.keyboard.press('f');
  await page.keyboard.type('profile');
  await page.keyboard.press('Enter');
  await page.locator('[role=treeitem].active', { hasText: 'profile' }).waitFor();
  await tool.first().click();
  await page.waitForURL(/span=/);
  const panel = page.getByRole('complementary');
  await panel.getByText('Arguments').first().waitFor();
  await panel.getByText('Result').first().waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(faults, []);
  await close();
});

/** The answer for a run of ten thousand spans: more than an end-to-end test has time to run. */
function largeTrace(traceId) {
  const begin = Date.now() - 600_000;
  const spans = Array.from({ length: 10_000 }, (_, n) => ({
    traceId,
    spanId: `s${n}`,
    parentSpanId: n === 0 ? null : n % 10 === 0 ? 's0' : `s${n - (n % 10)}`,
    name: n === 0 ? 'job task' : n % 10 === 0 ? `executor ${n}` : `tool skills.step.${n}`,
    kind: n === 0 ? 'job' : n % 10 === 0 ? 'node' : 'tool',
    startedAt: new Date(begin + n * 10).toISOString(),
    durationUs: n === 0 ? 100_000_000 : n % 10 === 0 ? 100_000 : 8_000,
    status: n % 50 === 11 ? 'error' : 'ok',
    statusMessage: null,
    attributes: {},
    events: [],
  }));
  return {
    traceId,
    jobId: null,
    projectId: null,
    agentId: null,
    agentName: null,
    name: 'A long run',
    status: 'succeeded',
    costCny: null,
    inputTokens: 0,
    outputTokens: 0,
    latencyMs: 100_000,
    startedAt: spans[0].startedAt,
    finishedAt: null,
    spans,
    truncated: false,
  };
}

test('ten thousand spans are laid out beside the page and scroll with few rows in the document', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const traceId = 'f'.repeat(32);
  await page.route(`**/monitor/traces/${traceId}`, (route) =>
    route.request().resourceType() === 'document'
      ? route.continue()
      : route.fulfill({ json: largeTrace(traceId) }),
  );
  const workers = [];
  page.on('worker', (worker) => workers.push(worker.url()));
  await page.goto(`/console/monitor/traces/${traceId}`);
  await page.locator('[role=treeitem]', { hasText: 'executor 10' }).first().waitFor();
  // The layout is made in a worker.
  await comesTo(() => workers.length, 1);
  await page.locator('.tree').focus();
  await page.keyboard.press('End');
  await page.locator('[role=treeitem].active', { hasText: 'tool skills.step.9999' }).waitFor();
  const rows = await page.locator('[role=treeitem]').count();
  assert.ok(rows < 120, `${rows} rows`);
  assert.deepEqual(faults, []);
  await close();
});

for (const [language, theme] of [
  ['en', 'light'],
  ['zh', 'dark'],
]) {
  test(`the topology is a picture with a table behind it (${language}, ${theme})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme });
    await letIn(page);
    await page.goto('/console/monitor/map?range=15m');
    const api = page.locator('.place', { hasText: 'API' });
    await appears(api, async () => {
      await page.reload();
      await page.locator('.place, .none').first().waitFor();
    });
    await api.press('Enter');
    await page.waitForURL(/place=api/);
    await page.getByRole('complementary').waitFor();
    assert.deepEqual(await seriousFaults(page), []);
    await page.goto('/console/monitor/map?range=15m&view=table');
    await page.locator('tbody tr').first().waitFor();
    assert.deepEqual(faults, []);
    await close();
  });
}

test('runs of a span of dates: chosen, in the address, and left again', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  await runOnce(person, 'Of this very hour');
  await page.goto('/console/monitor/traces?since=1h&text=Of%20this%20very%20hour');
  const row = page.locator('[role=row]', { hasText: 'Of this very hour' }).first();
  const reload = page.getByRole('button', { name: 'Reload' });
  // Pressed once the last answer is drawn: while it is under way the button takes no press.
  await appears(row, () => reload.click());
  const span = page.getByRole('dialog', { name: 'Dates' });
  const choose = async (from, to) => {
    await page.getByRole('button', { name: 'Dates', exact: false }).first().click();
    await span.getByLabel('From').fill(from);
    await span.getByLabel('To', { exact: true }).fill(to);
    await span.getByRole('button', { name: 'Apply' }).click();
  };
  await choose('2020-03-02T10:00', '2020-03-01T10:00');
  await span.getByRole('alert').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.keyboard.press('Escape');
  await choose('2020-03-01T10:00', '2020-03-02T10:00');
  await page.waitForURL(/from=2020-03-0/);
  assert.doesNotMatch(page.url(), /since=/);
  await row.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Remove the filter Dates' }).click();
  await page.waitForURL((url) => !url.searchParams.has('from') && !url.searchParams.has('to'));
  await row.waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('on a phone the topology is a list of its places, the busiest first', async () => {
  const { page, faults, close } = await browser.open({ width: 390, height: 844 });
  await letIn(page);
  const person = await asPerson(page);
  await runOnce(person, 'Seen on the map');
  await page.goto('/console/monitor/map');
  const places = page.getByRole('list', { name: 'Places' }).getByRole('button');
  // What a run has left is written a little after it.
  await appears(places, async () => {
    await page.reload();
    await page.locator('.place, .none').first().waitFor({ state: 'attached' });
  });
  await comesTo(() => page.locator('.picture').isVisible(), false);
  assert.deepEqual(await seriousFaults(page), []);
  await places.first().click();
  await page.waitForURL(/place=/);
  await page.getByRole('complementary').getByText('Called by').waitFor();
  await fits(page, 'the map');
  assert.deepEqual(faults, []);
  await close();
});
