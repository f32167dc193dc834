import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
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

/** One browser for the tests of a file; `open()` gives each test a person of its own. */
export function useBrowser() {
  let browser;
  let profile;
  before(async () => {
    profile = mkdtempSync(join(tmpdir(), 'aos-e2e-'));
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM_PATH,
      args: launchArgs,
    });
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
        locale: language === 'zh' ? 'zh-CN' : 'en-GB',
      });
      const page = await context.newPage();
      const faults = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy|violates/i.test(message.text())) faults.push(message.text());
      });
      return { page, faults, close: () => context.close() };
    },
  };
}

export async function signIn(page) {
  await page.goto('/console/');
  await page.fill('#email', owner.email);
  await page.fill('#password', owner.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('#goal');
  await page.waitForSelector('.live.live');
}

/** The API as this person, for what a test needs and no one looks at. */
export async function asPerson(page) {
  const request = page.context().request;
  const { csrfToken } = await (await request.get('/auth/me')).json();
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
    get: async (path) => take(await request.get(path)),
    send: (method, path, data) => request.fetch(path, { method, data, headers: headers() }),
    post: async (path, data) => take(await request.post(path, { data, headers: headers() })),
    upload: async (name, content, mimeType = 'text/csv') =>
      take(
        await request.post('/api/artifacts', {
          headers: headers(),
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
