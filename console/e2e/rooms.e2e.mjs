import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, fits, hasFocus, seriousFaults, signIn, useBrowser } from './harness.mjs';
import { furnish, viewsOf, visit } from './tour.mjs';

const browser = useBrowser();

let furnished;
/** Once for all tests of this file: three runs take their time. */
const furnishedBy = async (page) => (furnished ??= viewsOf(await furnish(await asPerson(page))));

for (const [language, theme] of [
  ['en', 'light'],
  ['zh', 'dark'],
]) {
  test(`every room stands without a serious finding of axe (${language}, ${theme})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme });
    await page.goto('/console/');
    await page.waitForSelector('#email');
    assert.deepEqual(await seriousFaults(page), [], 'sign-in');
    await signIn(page);
    for (const view of await furnishedBy(page)) {
      await visit(page, view);
      assert.deepEqual(await seriousFaults(page), [], view.name);
    }
    assert.deepEqual(faults, []);
    await close();
  });
}

for (const [width, height] of [
  [390, 844],
  [1280, 800],
]) {
  test(`nothing runs over the edge at ${width} pixels`, async () => {
    const { page, close } = await browser.open({ width, height });
    await signIn(page);
    for (const view of await furnishedBy(page)) {
      await visit(page, view);
      await fits(page, view.name);
    }
    await close();
  });
}

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
  await page.locator('aos-shortcuts').waitFor({ state: 'detached' });
  await page.keyboard.press('/');
  await hasFocus(page.locator('aos-palette input'));
  await page.keyboard.type('monitor');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/monitor/);
  await close();
});
