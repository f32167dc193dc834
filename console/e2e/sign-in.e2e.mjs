import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  base,
  comesTo,
  hasFocus,
  onceMore,
  owner,
  signInByTheDoor,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

test('a wrong password is said in words, and the draft of the address stays', async () => {
  const { page, close } = await browser.open();
  await page.goto('/console/');
  await page.fill('#email', owner.email);
  await page.fill('#password', 'not the password');
  await page.click('button[type=submit]');
  await page.getByText('E-mail or password is wrong').waitFor();
  await comesTo(() => page.inputValue('#email'), owner.email);
  await close();
});

test('whoever is not signed in is led to the door, and to their page afterwards', async () => {
  const { page, faults, close } = await browser.open();
  await page.goto('/console/projects?status=failed');
  await page.waitForURL(/sign-in\?next=/);
  await page.fill('#email', owner.email);
  await page.fill('#password', owner.password);
  await page.click('button[type=submit]');
  await page.waitForURL(/\/console\/projects\?status=failed$/);
  assert.deepEqual(faults, []);
  await close();
});

test('`next` leads to no other site', async () => {
  const { page, close } = await browser.open();
  await page.goto('/console/sign-in?next=//example.com/x');
  await page.fill('#email', owner.email);
  await page.fill('#password', owner.password);
  await page.click('button[type=submit]');
  await page.waitForSelector('#goal');
  assert.equal(new URL(page.url()).origin, new URL(base).origin);
  await close();
});

test('the session is in a cookie that no script can read, and nowhere else', async () => {
  const { page, close } = await browser.open();
  await signInByTheDoor(page);
  const kept = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...globalThis.sessionStorage }]),
  );
  assert.doesNotMatch(kept, /aos_session|accessToken|Bearer|eyJ/);
  const session = (await page.context().cookies()).find(({ name }) => name === 'aos_session');
  assert.equal(session?.httpOnly, true);
  await close();
});

test('signing out ends the session', async () => {
  const { page, close } = await browser.open();
  await signInByTheDoor(page);
  await page.keyboard.press('Control+k');
  await hasFocus(page.locator('aos-palette input'));
  await page.keyboard.type('sign out');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#email');
  assert.equal((await page.context().request.get('/auth/me', onceMore)).status(), 401);
  await close();
});
