import axe from 'axe-core';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();
const rooms = ['chat', 'monitor', 'projects', 'memory', 'settings', 'integrations', 'agents'];

async function faultsOf(page) {
  // Injected by the debugger, which the page's policy does not bind.
  await page.evaluate(`${axe.source}; void 0`);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

for (const [language, theme] of [
  ['en', 'light'],
  ['zh', 'dark'],
]) {
  test(`every room stands without a serious finding of axe (${language}, ${theme})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme });
    await page.goto('/console/');
    await page.waitForSelector('#email');
    assert.deepEqual(await faultsOf(page), [], 'sign-in');
    await signIn(page);
    for (const room of rooms) {
      await page.goto(`/console/${room}`);
      await page.waitForSelector('.live.live');
      await page.waitForLoadState('networkidle');
      assert.deepEqual(await faultsOf(page), [], room);
    }
    assert.deepEqual(faults, []);
    await close();
  });
}

test('nothing runs over the edge at 390 pixels', async () => {
  const { page, close } = await browser.open({ width: 390, height: 844 });
  await signIn(page);
  for (const room of rooms) {
    await page.goto(`/console/${room}`);
    await page.waitForSelector('.live.live');
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - globalThis.innerWidth,
    );
    assert.equal(over, 0, room);
  }
  await close();
});

test('rooms are reached by keyboard alone', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await page.locator('body').press('Escape');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('g');
  await page.keyboard.press('p');
  await page.waitForURL(/\/projects/);
  await page.keyboard.press('?');
  await page.getByRole('heading', { name: 'Keyboard shortcuts' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('/');
  await page.keyboard.type('monitor');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/monitor/);
  await close();
});
