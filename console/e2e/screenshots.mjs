/**
 * `npm run screenshots [-- folder] [--only=chat,run] [--looks=wide,narrow-zh-dark]`: a picture of every room, light and
 * dark, wide and narrow, in English and Chinese, from a server of its own with the demo's data on it.
 *
 * AOS_URL with AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD takes them from a server that is up already.
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { startServer } from './server.mjs';

process.env.CHROMIUM_PATH ??= '/usr/bin/chromium';
const args = process.argv.slice(2);
const listed = (flag) =>
  args
    .find((arg) => arg.startsWith(`${flag}=`))
    ?.slice(flag.length + 1)
    .split(',');
const only = listed('--only');
const wanted = listed('--looks');
const looks = [
  { name: 'wide', width: 1440, height: 900, language: 'en', theme: 'light' },
  { name: 'dark', width: 1440, height: 900, language: 'en', theme: 'dark' },
  { name: 'zh', width: 1440, height: 900, language: 'zh', theme: 'light' },
  { name: 'laptop', width: 1280, height: 800, language: 'en', theme: 'light' },
  { name: 'laptop-dark', width: 1280, height: 800, language: 'en', theme: 'dark' },
  { name: 'laptop-zh', width: 1280, height: 800, language: 'zh', theme: 'light' },
  { name: 'laptop-zh-dark', width: 1280, height: 800, language: 'zh', theme: 'dark' },
  { name: 'narrow', width: 390, height: 844, language: 'en', theme: 'light' },
  { name: 'narrow-zh-dark', width: 390, height: 844, language: 'zh', theme: 'dark' },
].filter(({ name }) => !wanted || wanted.includes(name));
if (looks.length === 0) throw new Error(`No look is called ${wanted.join(' or ')}.`);
const given = args.find((arg) => !arg.startsWith('--'));
const folder = given ? resolve(given) : mkdtempSync(join(tmpdir(), 'aos-screenshots-'));
mkdirSync(folder, { recursive: true });

const server = process.env.AOS_URL ? null : await startServer();
const { asPerson, launchArgs, owner } = await import('./harness.mjs');
const { fill, furnish, viewsOf, visit } = await import('./tour.mjs');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: launchArgs,
});
try {
  let views;
  for (const { name: look, width, height, language, theme } of looks) {
    const suffix = look === 'wide' ? '' : `-${look}`;
    const context = await browser.newContext({
      baseURL: process.env.AOS_URL,
      viewport: { width, height },
      colorScheme: theme,
      locale: language === 'zh' ? 'zh-CN' : 'en-GB',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    await page.goto('/console/');
    await page.waitForSelector('#email');
    if (!only) await page.screenshot({ path: join(folder, `sign-in${suffix}.png`) });
    await page.fill('#email', owner.email);
    await page.fill('#password', owner.password);
    await page.click('button[type=submit]');
    await page.waitForSelector('#goal');
    if (!views) {
      const api = await asPerson(page);
      views = viewsOf(await furnish(api));
      await fill(api);
      // The rooms as whoever comes to them finds them, and not as they stood while they were filled.
      await page.reload();
      await page.waitForSelector('#goal');
    }
    for (const view of views.filter(({ name }) => !only || only.includes(name))) {
      try {
        await visit(page, view);
      } catch (error) {
        console.log(`${view.name}${suffix}: ${error.message.split('\n')[0]}`);
      }
      await page.screenshot({ path: join(folder, `${view.name}${suffix}.png`) });
    }
    await context.close();
  }
} finally {
  await browser.close();
  await server?.stop();
}
console.log(folder);
