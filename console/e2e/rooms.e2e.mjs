import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, fits, hasFocus, seriousFaults, signIn, useBrowser } from './harness.mjs';
import { furnish, viewsOf, visit } from './tour.mjs';

const browser = useBrowser();

let furnished;
/** Once for all tests of this file: three runs take their time. */
const furnishedBy = async (page) => (furnished ??= viewsOf(await furnish(await asPerson(page))));

/** A walk through every view takes its time, so what must hold in all of them is looked at on the same one. */
for (const [language, theme, width, height] of [
  ['en', 'light', 1280, 800],
  ['zh', 'dark', 1440, 900],
]) {
  test(`every room stands without a serious finding of axe and fits (${language}, ${theme}, ${width})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme, width, height });
    await page.goto('/console/');
    await page.waitForSelector('#email');
    assert.deepEqual(await seriousFaults(page), [], 'sign-in');
    await signIn(page);
    for (const view of await furnishedBy(page)) {
      await visit(page, view);
      await fits(page, view.name);
      assert.deepEqual(await seriousFaults(page), [], view.name);
    }
    assert.deepEqual(faults, []);
    await close();
  });
}

test('nothing runs over the edge at 390 pixels', async () => {
  const { page, close } = await browser.open({ width: 390, height: 844 });
  await signIn(page);
  for (const view of await furnishedBy(page)) {
    await visit(page, view);
    await fits(page, view.name);
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
  await page.locator('aos-shortcuts').waitFor({ state: 'detached' });
  await page.keyboard.press('/');
  await hasFocus(page.locator('aos-palette input'));
  await page.keyboard.type('monitor');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/monitor/);
  await close();
});
