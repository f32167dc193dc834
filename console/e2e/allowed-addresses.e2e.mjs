import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startServer } from './server.mjs';

// A server of its own: a list that others have to be in as well would be in their way.
process.env.AOS_TRUSTED_PROXIES = '127.0.0.1';
const server = await startServer();
after(() => server.stop());
const { asPerson, comesTo, fits, hasFocus, letIn, seriousFaults, signIn, useBrowser } =
  await import('./harness.mjs');

const browser = useBrowser();
const list = (dialog) => dialog.locator('aos-address-list');

test('a list of addresses is edited, and does not leave out whoever edits it', async () => {
  const { page, faults } = await browser.open();
  await signIn(page);
  await page.goto('/console/settings/system?edit=security');
  const dialog = page.getByRole('dialog');
  await list(dialog).getByText('every address may come in. Yours is 127.0.0.1').waitFor();
  await list(dialog).getByRole('button', { name: 'Add an address' }).click();
  const first = list(dialog).getByLabel('Address or range 1');
  await hasFocus(first);
  await page.keyboard.type('office.example');
  await list(dialog).getByText('Names of hosts are not taken').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'a fault at its field');
  await first.fill('198.51.100.7/24');
  await list(dialog).getByText('Write 198.51.100.0/24 for the range').waitFor();
  await first.fill('198.51.100.0/24');
  await list(dialog).getByLabel('Note 1').fill('The office');
  await list(dialog).getByText('127.0.0.1 and is not in this list').waitFor();

  // It cannot be saved so, which is told before and by the server as well.
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByText('is not in this list. A list that leaves you out').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await list(dialog).getByText('leaves out 127.0.0.1').waitFor();
  await list(dialog).getByRole('button', { name: 'Add yours, 127.0.0.1' }).click();
  await list(dialog).getByText('Your address is 127.0.0.1 and is in this list').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'a list that can be saved');
  await page.setViewportSize({ width: 380, height: 800 });
  await fits(page, 'the list on a narrow page');
  await page.setViewportSize({ width: 1440, height: 900 });
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('198.51.100.0/24 (The office), 127.0.0.1').waitFor();
  assert.deepEqual(faults, []);
});

test('who is at work at an address that is not allowed any more sees so, and goes on once it is', async () => {
  const owner = await browser.open();
  await letIn(owner.page);
  const api = await asPerson(owner.page);
  const allow = async (...addresses) => {
    const { version, config } = await api.get('/config/system');
    config.security.allowedAddresses = addresses.map((address) => ({ address }));
    await api.put('/config/system', config, version);
  };
  await allow();
  const { page, faults } = await browser.open();
  await page.setExtraHTTPHeaders({ 'x-forwarded-for': '203.0.113.9' });
  await signIn(page);
  await page.goto('/console/monitor');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await allow('127.0.0.1');
  // The room asks by itself for what is new.
  await page.getByRole('heading', { name: 'Not from this address' }).waitFor();
  await page.getByText('Requests from 203.0.113.9 are not allowed here').waitFor();
  assert.equal(await page.locator('#email').isVisible(), false);
  assert.deepEqual(await seriousFaults(page), []);

  // No reload comes further, and nothing goes on asking.
  let asked = 0;
  page.on('request', (request) => (asked += request.url().endsWith('/auth/me') ? 1 : 0));
  await page.reload();
  await page.getByRole('heading', { name: 'Not from this address' }).waitFor();
  assert.equal(asked, 1);
  await allow();
  await page.getByRole('button', { name: 'Retry' }).click();
  await comesTo(() => page.url(), /\/console\/monitor/);
  assert.deepEqual(faults, []);
});
