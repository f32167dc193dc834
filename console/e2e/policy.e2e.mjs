import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, signIn, useBrowser } from './harness.mjs';
import { furnish, viewsOf, visit } from './tour.mjs';

const browser = useBrowser();

test('the policy has no exception, and no room with all of its parts open offends against it', async () => {
  const { page, faults, close } = await browser.open();
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
  await signIn(page);
  const rooms = await furnish(await asPerson(page));
  const parts = new Set();
  for (const view of viewsOf(rooms)) {
    await visit(page, view);
    for (const part of await page.evaluate(() => {
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
    }))
      parts.add(part);
    assert.deepEqual(await page.evaluate(() => window.offences), [], view.name);
  }
  for (const part of ['chart', 'editor', 'graph', 'picture', 'waterfall'])
    assert.ok(parts.has(part), `no view has shown a ${part}`);

  assert.ok(policies.length > 0);
  for (const policy of policies) {
    assert.match(policy, /script-src [^;]*'nonce-|script-src [^;]*'self'/);
    assert.doesNotMatch(policy, /unsafe-(inline|eval|hashes)|wasm-unsafe|strict-dynamic|\*/);
    assert.match(policy, /object-src 'none'|default-src 'none'/);
  }
  assert.deepEqual(faults, []);
  await close();
});
