import axe from 'axe-core';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

export const base = process.env.AOS_URL;
export const owner = {
  email: process.env.AOS_OWNER_EMAIL,
  password: process.env.AOS_OWNER_PASSWORD,
};

export const launchArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const pictures = fileURLToPath(new URL('../../.aos/e2e', import.meta.url));

/** One browser for the tests of a file; `open()` gives each test a person of its own. */
export function useBrowser() {
  let browser;
  let profile;
  const open = new Map();
  before(async () => {
    profile = mkdtempSync(join(tmpdir(), 'aos-e2e-'));
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM_PATH,
      args: launchArgs,
    });
  });
  afterEach(async (test) => {
    for (const [page, faults] of open) {
      if (!test.passed) await tellOf(page, faults, test.name);
      await page.context().close();
    }
    open.clear();
  });
  after(async () => {
    await browser?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  return {
    /** A fresh person. `faults` gathers what a clean page never has: uncaught errors and refusals of the policy. */
    async open({ language = 'en', theme = 'light', width = 1440, height = 900 } = {}) {
      const context = await browser.newContext({
        baseURL: base,
        viewport: { width, height },
        colorScheme: theme,
        reducedMotion: 'reduce', // drawn by the processor, motion costs it, and moves things from under the pointer
        locale: language === 'zh' ? 'zh-CN' : 'en-GB',
      });
      const page = await context.newPage();
      const faults = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy|violates/i.test(message.text())) faults.push(message.text());
      });
      open.set(page, faults);
      const close = () => {
        open.delete(page);
        return context.close();
      };
      return { page, faults, close };
    },
  };
}

/** What a person would have seen where a test failed: a picture in `.aos/e2e`, and in the report the words. */
async function tellOf(page, faults, name) {
  mkdirSync(pictures, { recursive: true });
  const path = join(pictures, `${name.replace(/[^\p{L}\p{N}]+/gu, '-')}.png`);
  const words = await page.locator('body').innerText({ timeout: 5_000 });
  await page.screenshot({ path, timeout: 10_000 });
  console.error(
    [`${name}: failed at ${page.url()}`, path, ...faults, words.slice(0, 2_000)].join('\n'),
  );
}

/**
 * Signed in, on no page yet: for whoever goes to another than Chat Hub first, as each is the whole console loaded anew. Not
 * by the door, which takes a second of its own.
 */
export async function letIn(page, { email, password } = owner) {
  const data = { email, password };
  const answer = await page.context().request.post('/auth/login', { data, ...onceMore });
  if (!answer.ok()) throw new Error(`${answer.status()} ${await answer.text()}`);
}

/** Signed in and in Chat Hub, with the line to the server up. */
export async function signIn(page, person) {
  await letIn(page, person);
  await page.goto('/console/');
  await isIn(page);
}

/** As `signIn`, by the door: for what it leaves behind. */
export async function signInByTheDoor(page, { email, password } = owner) {
  await page.goto('/console/');
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('button[type=submit]');
  await isIn(page);
}

async function isIn(page) {
  await page.waitForSelector('#goal');
  await page.waitForSelector('.live.live');
}

const COMES_WITHIN_MS = 15_000;
const ENDS_WITHIN_MS = 60_000;
const over = ['succeeded', 'failed', 'cancelled'];

/**
 * Waits until what is read from the page is this, or a text that matches this; then, or too late, it says what it is.
 * `again` is what is done before it is read once more: to wait a little, or to ask the page for it anew.
 */
export async function comesTo(
  read,
  expected,
  { withinMs = COMES_WITHIN_MS, again = () => sleep(50) } = {},
) {
  const until = Date.now() + withinMs;
  for (;;) {
    const actual = await read();
    try {
      if (expected instanceof RegExp) assert.match(actual, expected);
      else assert.deepEqual(actual, expected);
      return;
    } catch (fault) {
      if (Date.now() > until) throw fault;
    }
    await again();
  }
}

/** A press may miss where what stands above grows in that moment: a person presses once more. */
export const pressUntil = (button, shown) =>
  comesTo(async () => {
    if ((await shown.count()) > 0) return true;
    const fault = await button.click({ timeout: 2_000 }).then(
      () => '',
      ({ message }) => message,
    );
    return (await shown.count()) > 0 || `nothing has opened ${fault}`;
  }, true);

/** Waits until there is one of these, and asks the page anew as long as there is none. */
export const appears = (locator, again) =>
  comesTo(async () => (await locator.count()) > 0 || `no ${locator}`, true, {
    withinMs: ENDS_WITHIN_MS,
    again,
  });

/** Waits until nothing of the page runs over its edge at the right; `what` is looked at, for whoever reads of it. */
export const fits = (page, what) =>
  comesTo(async () => {
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - globalThis.innerWidth,
    );
    return over === 0 || `${what} runs over the edge by ${over} px`;
  }, true);

/** Waits until this is where the next key goes. */
export const hasFocus = (locator) =>
  comesTo(() => locator.evaluate((element) => element.matches(':focus')), true);

/**
 * Presses a key, Tab where none is said, until what has the focus is the one. For a time, not so many times: what is
 * meant may still be on its way, or take no focus while something is under way, and the keys go round meanwhile.
 */
export async function keyTo(page, isThere, { key = 'Tab', wanted = 'it' } = {}) {
  const met = new Set();
  const until = Date.now() + ENDS_WITHIN_MS;
  do {
    await page.keyboard.press(key);
    const seen = await isThere();
    if (seen === true) return;
    met.add(seen);
  } while (Date.now() < until);
  throw new Error(`${key} never came to ${wanted}; it came to ${[...met].join(' | ')}`);
}

/** Waits until the job is over, however it ended. */
export async function untilEnded(api, jobId) {
  let job;
  const isOver = async () => {
    job = await api.get(`/jobs/${jobId}`);
    return over.includes(job.status) || job;
  };
  await comesTo(isOver, true, { withinMs: ENDS_WITHIN_MS });
  return job;
}

/** Waits until the job is over, and says why where it did not succeed. */
export async function succeeds(api, jobId) {
  const { status, error } = await untilEnded(api, jobId);
  assert.deepEqual({ status, error }, { status: 'succeeded', error: null });
}

/**
 * What axe finds serious or critical on the page, `rule: element | element`. Nothing moves by then: halfway into
 * the sight every card is pale, and cards of other people's work may come at any time.
 */
export async function seriousFaults(page) {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter(({ effect }) => Number.isFinite(effect.getComputedTiming().endTime))
        .map(({ finished }) => finished),
    ),
  );
  // Injected by the debugger, which the page's policy does not bind; once a document.
  if (!(await page.evaluate(() => 'axe' in globalThis)))
    await page.evaluate(`${axe.source}; void 0`);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'] }),
  );
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/**
 * A connection that lay idle may be closed in the very moment in which the next request is sent on it; a browser sends
 * that once more, as this does. By its Idempotency-Key it is done once all the same.
 */
export const onceMore = { maxRetries: 2 };

/** The API as this person, for what a test needs and no one looks at. */
export async function asPerson(page) {
  const request = page.context().request;
  const { csrfToken } = await (await request.get('/auth/me', onceMore)).json();
  const headers = () => ({
    'x-csrf-token': csrfToken,
    'idempotency-key': randomUUID(),
    origin: base,
  });
  const take = async (answer) => {
    if (!answer.ok()) throw new Error(`${answer.status()} ${await answer.text()}`);
    return answer.json();
  };
  return {
    get: async (path) => take(await request.get(path, onceMore)),
    send: (method, path, data) =>
      request.fetch(path, { method, data, headers: headers(), ...onceMore }),
    post: async (path, data) =>
      take(await request.post(path, { data, headers: headers(), ...onceMore })),
    /** With a version it says which one was read. */
    put: async (path, data, version) =>
      take(
        await request.put(path, {
          data,
          headers: { ...headers(), ...(version !== undefined && { 'if-match': `"${version}"` }) },
          ...onceMore,
        }),
      ),
    patch: async (path, data, version) =>
      take(
        await request.patch(path, {
          data,
          headers: { ...headers(), 'if-match': `"${version}"` },
          ...onceMore,
        }),
      ),
    upload: async (name, content, mimeType = 'text/csv') =>
      take(
        await request.post('/api/artifacts', {
          headers: headers(),
          ...onceMore,
          multipart: { file: { name, mimeType, buffer: Buffer.from(content) } },
        }),
      ),
  };
}

export const csv = [
  'month,species,strikes',
  ...Array.from(
    { length: 240 },
    (_, n) =>
      `2024-${String((n % 12) + 1).padStart(2, '0')},${n % 3 ? 'Gull' : 'Dove'},${(n * 7) % 50}`,
  ),
].join('\n');

/** Profile, clean after approval, plot: the acceptance task in small. */
export const plan = [
  { id: 'profile', tool: 'skills.csv.profile', args: { file: '${inputs.data}' } },
  {
    id: 'clean',
    tool: 'skills.csv.clean',
    args: { file: '${inputs.data}' },
    needs: ['profile'],
    approval: 'required',
  },
  {
    id: 'plot',
    tool: 'skills.viz.plot',
    args: {
      file: '${steps.clean.artifactId}',
      kind: 'bar',
      x: 'species',
      y: 'strikes',
      aggregate: 'sum',
      title: 'Gulls are struck most',
    },
    needs: ['clean'],
  },
];

/** Where the console has not come back by itself in that very moment; then there is nothing left to press. */
export const tryNow = (page) =>
  page.getByRole('button', { name: 'Try now' }).evaluateAll(([button]) => button?.click());
