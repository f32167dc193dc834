import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import {
  asPerson,
  base,
  comesTo,
  fits,
  onceMore,
  seriousFaults,
  signIn,
  useBrowser,
} from './harness.mjs';
import { visit } from './tour.mjs';

const browser = useBrowser();
const parts = [
  'system',
  'history',
  'proposals',
  'runtime',
  'people',
  'roles',
  'access',
  'audit',
  'account',
  'preferences',
];

/** Another window of the same person: what a test needs to have happened elsewhere. */
async function elsewhere(page) {
  const request = page.context().request;
  const { csrfToken } = await (await request.get('/auth/me', onceMore)).json();
  return async (method, path, data, more = {}) => {
    const answer = await request.fetch(path, {
      ...onceMore,
      method,
      data,
      headers: {
        'x-csrf-token': csrfToken,
        'idempotency-key': randomUUID(),
        origin: base,
        ...more,
      },
    });
    if (!answer.ok()) throw new Error(`${answer.status()} ${await answer.text()}`);
    return answer.status() === 204 ? null : answer.json();
  };
}

async function openPart(page, part) {
  await page.goto(`/console/settings/${part}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

test('a setting is changed in two steps, also when somebody else has saved meanwhile', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const call = await elsewhere(page);
  await openPart(page, 'system');
  await page.getByRole('button', { name: 'Edit Approvals' }).click();
  const dialog = page.getByRole('dialog');
  const time = dialog.getByLabel('Time to decide');
  await time.fill('5400000');
  await time.press('Tab');
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByText('timeoutMs: 5400000').waitFor();
  await dialog.getByLabel('Why').fill('Longer nights');

  const { version, config } = await call('GET', '/config/system');
  config.gateway.defaultTimeoutMs = 45_000;
  await call('PUT', '/config/system', config, { 'if-match': `"${version}"` });

  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByText('What was changed meanwhile').waitFor();
  await dialog.getByRole('button', { name: 'Put mine upon it' }).click();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const now = await call('GET', '/config/system');
  assert.equal(now.config.approvals.timeoutMs, 5_400_000);
  assert.equal(now.config.gateway.defaultTimeoutMs, 45_000);
  assert.equal(now.comment, 'Longer nights');

  await openPart(page, 'history');
  await page.getByRole('button', { name: `Restore version ${version}` }).click();
  await dialog.getByText('timeoutMs: 5400000').waitFor();
  await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const restored = await call('GET', '/config/system');
  assert.equal(restored.version, now.version + 1);
  assert.equal(restored.config.gateway.defaultTimeoutMs, 30_000);
  assert.deepEqual(faults, []);
  await close();
});

test('traces are sent elsewhere, and it is seen whether they arrive', async (t) => {
  const batches = [];
  const collector = createServer((request, response) => {
    batches.push(request.url);
    request.resume().on('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(collector, 'listening');
  t.after(() => {
    collector.closeAllConnections();
    collector.close();
  });
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const call = await elsewhere(page);
  await call('PUT', '/config/runtime/secrets/OTLP_KEY', { value: 'of the collector' });
  await openPart(page, 'system');
  await page.getByText('Nothing is sent elsewhere.').waitFor();
  await page.getByRole('button', { name: 'Edit Telemetry' }).click();
  const dialog = page.getByRole('dialog');
  const host = `127.0.0.1:${collector.address().port}`;
  await dialog.getByLabel('OTLP address').fill(`http://${host}`);
  await dialog.getByRole('button', { name: 'Add' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('Host');
  await dialog.getByLabel('Secret', { exact: true }).fill('OTLP_KEY');
  await dialog.getByLabel('Secret', { exact: true }).press('Tab');
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByText('Is set by AOS itself', { exact: true }).waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'a fault at its field');
  await dialog.getByLabel('Name', { exact: true }).fill('x-key');
  await dialog.getByLabel('Name', { exact: true }).press('Tab');
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByText('Every process, within seconds').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('x-key: [OTLP_KEY]').waitFor();
  await page.getByText(`Spans reach ${host}.`).waitFor();
  assert.equal(batches[0], '/v1/traces');
  assert.deepEqual(await seriousFaults(page), [], 'the page');
  await page.setViewportSize({ width: 380, height: 800 });
  await fits(page, 'on a narrow page');

  const { version, config } = await call('GET', '/config/system');
  await call('PUT', '/config/system', { ...config, telemetry: {} }, { 'if-match': `"${version}"` });
  assert.deepEqual(faults, []);
  await close();
});

test('a secret is named, goes in, is rotated and deleted by name, and never comes out', async () => {
  const { page, close } = await browser.open();
  const canary = `canary-${randomUUID()}`;
  const answers = [];
  page.on('response', (response) => answers.push(response.text().catch(() => '')));
  await signIn(page);
  await openPart(page, 'runtime');
  await page.getByRole('button', { name: 'Add a secret' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('E2E_KEY');
  await dialog.getByLabel('Purpose').fill('For the test');
  await dialog.getByRole('button', { name: 'Save secret' }).click();
  await dialog.waitFor({ state: 'detached' });
  const row = page.getByRole('row', { name: /E2E_KEY/ });
  await row.getByText('No value yet').waitFor();
  await row.getByRole('button', { name: 'Set the value of E2E_KEY' }).click();
  await dialog.getByLabel('Value').fill(canary);
  await dialog.getByRole('button', { name: 'Save secret' }).click();
  await row.getByText('Set, version 1').waitFor();
  await row.getByText('For the test').waitFor();
  await row.getByRole('button', { name: 'Edit E2E_KEY' }).click();
  await dialog.getByLabel('Purpose').fill('For another');
  await dialog.getByRole('button', { name: 'Save secret' }).click();
  await row.getByText('For another').waitFor();
  await row.getByText('Set, version 1').waitFor();
  await row.getByRole('button', { name: 'Edit E2E_KEY' }).click();
  await dialog.getByLabel('Value').fill(`${canary}-2`);
  await dialog.getByRole('button', { name: 'Rotate', exact: true }).click();
  await row.getByText('Set, version 2').waitFor();
  assert.doesNotMatch(await page.content(), new RegExp(canary));

  await row.getByRole('button', { name: 'Delete E2E_KEY' }).click();
  const remove = dialog.getByRole('button', { name: 'Delete', exact: true });
  await comesTo(() => remove.isDisabled(), true);
  await dialog.getByRole('textbox').fill('E2E_KEY');
  await remove.click();
  await row.waitFor({ state: 'detached' });
  assert.doesNotMatch((await Promise.all(answers)).join('\n'), new RegExp(canary));
  await close();
});

test('a person is added with a password shown once, given a role and locked out', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'people');
  await page.getByRole('button', { name: 'Add a person' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail').fill('ada@example.com');
  await dialog.getByLabel('Name').fill('Ada');
  await dialog.getByLabel('Role').selectOption('viewer');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const password = await dialog.getByTestId('one-time-password').innerText();
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  const login = () =>
    fetch(`${base}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.com', password }),
    });
  assert.equal((await login()).status, 200);

  const row = page.getByRole('row', { name: /Ada/ });
  await row.getByRole('button', { name: 'Actions for Ada' }).click();
  await page.getByRole('menuitem', { name: 'Give a role' }).click();
  await dialog.getByLabel('Role').selectOption('operator');
  await dialog.getByRole('button', { name: 'Give', exact: true }).click();
  await row.getByRole('button', { name: 'Take operator away from Ada' }).waitFor();
  await row.getByRole('button', { name: 'Actions for Ada' }).click();
  await page.getByRole('menuitem', { name: 'Lock out' }).click();
  await dialog.getByRole('textbox').fill('ada@example.com');
  await dialog.getByRole('button', { name: 'Lock out' }).click();
  await row.getByText('Locked out').waitFor();
  assert.equal((await login()).status, 401);
  await close();
});

test('the last owner stays, and the server says why', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'people');
  await page.getByRole('button', { name: /Take owner away from/ }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Take away' }).click();
  await dialog.getByText('Make somebody else an owner first.').waitFor();
  await close();
});

test('a role is made in the matrix, and why somebody may is answered', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'roles');
  await page.getByRole('button', { name: 'New role' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('auditor');
  await dialog.getByRole('group', { name: 'Audit record' }).getByLabel('See').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'auditor' }).waitFor();
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await dialog.getByRole('group', { name: 'Monitor' }).getByLabel('See').check();
  await dialog.getByText('- "monitor.read"').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await openPart(page, 'access');
  await page.getByLabel('May do what').selectOption('audit.read');
  await page.getByTestId('access-answer').getByText('as owner everywhere').waitFor();
  await page.waitForURL(/permission=audit.read/);
  await close();
});

test('the record is held against its chain, and each row says where it is in it', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'audit');
  await page.getByRole('button', { name: 'Verify' }).click();
  const verdict = page.getByTestId('audit-check');
  await verdict.getByText('Nobody touched it').waitFor();
  await verdict.getByText(/^\s*\d+ entries were held against their hash chain/).waitFor();
  // The check is on record itself, and sealed by the next one.
  await page.getByRole('button', { name: 'Verify' }).click();
  await verdict.getByText('Nobody touched it').waitFor();
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByRole('row').filter({ hasText: 'audit.verify' }).last().click();
  await page.locator('aos-audit-detail').getByText('Sealed as').waitFor();
  await page
    .locator('aos-audit-detail')
    .getByText(/^[0-9a-f]{64}$/)
    .waitFor();
  await close();
});

test('a token is shown once, works, and is revoked by its name', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'account');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('e2e');
  await dialog.getByLabel('Only what I choose').check();
  await dialog.getByRole('group', { name: 'Tasks' }).getByLabel('See').check();
  await dialog.getByRole('button', { name: 'Make token' }).click();
  const token = await dialog.getByTestId('new-token').innerText();
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  const jobs = () => fetch(`${base}/jobs`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await jobs()).status, 200);
  await page.getByRole('button', { name: 'Revoke e2e' }).click();
  await dialog.getByRole('textbox').fill('e2e');
  await dialog.getByRole('button', { name: 'Revoke', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  assert.equal((await jobs()).status, 401);
  await close();
});

test('a password is changed by who knows the present one, and other windows are signed out', async () => {
  // Somebody of this test’s own: a new password ends every other session of its person.
  const one = {
    email: `${randomUUID()}@example.com`,
    password: 'one long enough password',
  };
  const { page: ownersPage } = await browser.open();
  await signIn(ownersPage);
  const call = await elsewhere(ownersPage);
  await call('POST', '/rbac/users', { ...one, name: 'Grace', role: 'operator' });
  const { page, close } = await browser.open();
  await signIn(page, one);
  const { page: other } = await browser.open();
  await signIn(other, one);

  await openPart(page, 'account');
  await page.getByLabel('Present password').fill('not the password');
  await page.getByLabel('New password').fill('another long enough one');
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('The present password is not right').waitFor();
  await page.getByLabel('Present password').fill(one.password);
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.getByText('Your password was changed.').waitFor();
  await other.waitForURL(/sign-in/);
  await page.reload();
  await page.getByRole('heading', { level: 1 }).waitFor();
  assert.match(page.url(), /settings\/account/);
  await close();
});

test('the record is filtered by the address, and a row shows what changed as text', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const call = await elsewhere(page);
  const name = `role-${randomUUID().slice(0, 8)}`;
  await call('POST', '/rbac/roles', {
    name,
    description: '<img src=x onerror=alert(1)>',
    permissions: ['task.read'],
  });
  await page.goto(`/console/settings/audit?action=role.create&resource=role:${name}`);
  await page.locator('[data-row]').first().click();
  await page.waitForURL(/row=\d+/);
  const panel = page.getByRole('complementary');
  await panel.getByText('<img src=x onerror=alert(1)>').waitFor();
  await comesTo(() => panel.locator('img').count(), 0);
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  await comesTo(() => page.locator('[data-row]').count(), 1);
  // Back closes what was opened, and does not lead out of the record.
  await page.locator('[data-row]').first().click();
  await panel.waitFor();
  await page.goBack();
  await panel.waitFor({ state: 'detached' });
  await comesTo(() => page.locator('[data-row]').count(), 1);
  await page.setViewportSize({ width: 390, height: 844 });
  await page
    .locator('[data-row]')
    .getByText(/Owner · Role/)
    .waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
  const href = await page.getByRole('link', { name: 'Export NDJSON' }).getAttribute('href');
  const lines = await (await page.context().request.get(href, onceMore)).text();
  assert.equal(JSON.parse(lines).resource, `role:${name}`);
  assert.deepEqual(faults, []);
  await close();
});

for (const [language, theme, width] of [
  ['en', 'light', 1280],
  ['zh', 'dark', 390],
]) {
  test(`every part stands without a serious finding and fits (${language}, ${theme}, ${width})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme, width });
    await signIn(page);
    for (const part of parts) {
      await visit(page, { path: `settings/${part}`, ready: 'main h1' });
      await fits(page, part);
      // A table has room, or has become cards: it is read without being pushed sideways.
      const pushed = () =>
        page
          .locator('.card.scroll')
          .evaluateAll((boxes) => boxes.map((box) => box.scrollWidth - box.clientWidth));
      await comesTo(async () => (await pushed()).every((px) => px === 0) || part, true);
      assert.deepEqual(await seriousFaults(page), [], part);
    }
    assert.deepEqual(faults, []);
    await close();
  });
}

test('an editor is in the address: a reload comes back to it, Back leaves it, a link leads to it', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const dialog = page.locator('dialog[open]');
  const name = `link-${Date.now()}`;
  await api.post('/rbac/roles', { name, description: '', permissions: ['task.read'] });
  for (const [path, opener, key] of [
    ['integrations', 'Register server', 'register'],
    ['settings/system', 'Edit Approvals', 'edit'],
    ['settings/roles', 'New role', 'edit'],
  ]) {
    await page.goto(`/console/${path}`);
    await page.getByRole('button', { name: opener }).click();
    await dialog.waitFor();
    const has = () => new URL(page.url()).searchParams.has(key);
    await comesTo(has, true);
    await page.reload();
    await dialog.waitFor();
    await page.goBack();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(has(), false, path);
  }
  await page.goto(`/console/settings/roles?edit=${name}`);
  await dialog.getByText(name).first().waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await comesTo(() => new URL(page.url()).search, '');
  assert.deepEqual(faults, []);
  await close();
});
