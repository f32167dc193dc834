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
  test(`every room stands without a serious finding of axe, fits, and keeps to the policy (${language}, ${theme}, ${width})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme, width, height });
    const policies = await watchPolicy(page);
    await page.goto('/console/');
    await page.waitForSelector('#email');
    assert.deepEqual(await seriousFaults(page), [], 'sign-in');
    await signIn(page);
    const parts = new Set();
    for (const view of await furnishedBy(page)) {
      await visit(page, view);
      await fits(page, view.name);
      for (const part of await partsOn(page)) parts.add(part);
      assert.deepEqual(await page.evaluate(() => window.offences), [], view.name);
      assert.deepEqual(await saidTwice(page), [], `${view.name}: the bar has the room's name`);
      assert.deepEqual(await seriousFaults(page), [], view.name);
    }
    // What a policy is most likely to stop has been there.
    for (const part of ['chart', 'editor', 'graph', 'picture', 'waterfall'])
      assert.ok(parts.has(part), `no view has shown a ${part}`);
    assert.ok(policies.length > 0);
    for (const policy of policies) hasNoException(policy);
    assert.deepEqual(faults, []);
    await close();
  });
}

/** Titles of the page that only repeat, for the eye, what stands in the bar above them. */
const saidTwice = (page) =>
  page.evaluate(() => {
    const bar = document.querySelector('header.bar .title')?.textContent.trim();
    return [...document.querySelectorAll('main h1')]
      .filter((title) => title.getBoundingClientRect().width > 1)
      .map((title) => title.textContent.trim())
      .filter((title) => title === bar);
  });

/** What offends against the policy is in `window.offences`; the policy of each document is in what this comes to. */
async function watchPolicy(page) {
  const policies = [];
  page.on('response', (answer) => {
    if (answer.request().resourceType() === 'document')
      policies.push(answer.headers()['content-security-policy'] ?? '');
  });
  await page.addInitScript(() => {
    window.offences = [];
    document.addEventListener('securitypolicyviolation', (event) =>
      window.offences.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  return policies;
}

function hasNoException(policy) {
  assert.match(policy, /script-src [^;]*'nonce-|script-src [^;]*'self'/);
  assert.doesNotMatch(policy, /unsafe-(inline|eval|hashes)|wasm-unsafe|strict-dynamic|\*/);
  assert.match(policy, /object-src 'none'|default-src 'none'/);
}

const partsOn = (page) =>
  page.evaluate(() => {
    const found = (selector) => document.querySelector(selector) !== null;
    const inShadow = [...document.querySelectorAll('*')].some((element) =>
      element.shadowRoot?.querySelector('.cm-editor'),
    );
    return [
      ...(found('canvas') ? ['chart'] : []),
      ...(inShadow ? ['editor'] : []),
      ...(found('aos-workspace img') ? ['picture'] : []),
      ...(found('aos-waterfall .row') ? ['waterfall'] : []),
      ...(found('aos-plan-graph svg, vflow') ? ['graph'] : []),
    ];
  });

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
