import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { asPerson, comesTo, letIn, owner, seriousFaults, signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();
const off = {
  ...{ settings: false, policies: false, roles: false, secrets: false, servers: false },
  confirmers: [],
};
const second = { email: `second-${randomUUID()}@example.test`, password: 'a long password' };
const cards = (page) => page.locator('aos-proposal-card');

/** A tool server that tells of these tools, over plain JSON. */
async function startToolServer(tools) {
  const answers = {
    initialize: () => ({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {} },
      serverInfo: { name: 'watched', version: '1' },
    }),
    'tools/list': () => ({ tools }),
    ping: () => ({}),
  };
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    if (request.method !== 'POST') return response.writeHead(405).end();
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString());
    if (id === undefined) return response.writeHead(202).end();
    const result = answers[method]?.();
    const error = { code: -32601, message: 'no such method' };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ jsonrpc: '2.0', id, ...(result ? { result } : { error }) }));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}/mcp`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Puts the rule as it is to be: with the second person where one is wanted by now. */
async function rule(next) {
  const [mine, theirs] = [await browser.open(), await browser.open()];
  await letIn(mine.page, owner);
  await letIn(theirs.page, second);
  const [api, other] = [await asPerson(mine.page), await asPerson(theirs.page)];
  const { version, config } = await api.get('/config/system');
  config.security.secondPerson = { ...off, ...next };
  const saved = await api.put('/config/system', config, version);
  if (saved.proposedBy)
    await other.post(`/config/proposals/${saved.id}/decide`, { decision: 'confirm' });
  await mine.close();
  await theirs.close();
}

test('a change waits with its difference, and another person confirms it', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  await api.post('/rbac/users', { ...second, name: 'Second', role: 'admin' });

  // The rule is a setting like others; from then on a save says that it will wait.
  await page.goto('/console/settings/system?edit=security');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('For changes of the settings').check();
  await dialog.getByLabel('For changes of the policies').check();
  await dialog.getByLabel('For roles and who has them').check();
  await dialog.getByLabel('For values of secrets').check();
  await dialog.getByLabel('For tool servers and the definitions').check();
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });

  const other = await browser.open();
  await signIn(other.page, second);
  await page.getByRole('button', { name: 'Edit Approvals' }).click();
  const time = dialog.getByLabel('Time to decide');
  await time.fill('5000000');
  await time.press('Tab');
  await dialog.getByRole('button', { name: 'Show what changes' }).click();
  await dialog.getByTestId('second-person').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'the note');
  await dialog.getByLabel('Why').fill('Longer nights');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const mine = cards(page);
  await page.getByText('Proposed. It waits here').waitFor();
  await mine.getByText('You proposed this. Somebody else has to confirm it.').waitFor();
  assert.equal(await mine.getByRole('button', { name: 'Confirm' }).count(), 0);
  await mine.getByText('timeoutMs: 5000000').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'what waits above the settings');

  // Who can confirm it is told by the stream and by the inbox, without a reload.
  await other.page.getByText('proposes a change of the settings').first().waitFor();
  await other.page.getByRole('button', { name: /waiting for you/i }).click();
  await other.page.getByTestId('waiting-changes').click();
  await other.page.waitForURL(/settings\/proposals$/);
  const theirs = cards(other.page);
  await theirs.getByText('timeoutMs: 5000000').waitFor();
  await theirs.getByText('Longer nights').waitFor();
  assert.deepEqual(await seriousFaults(other.page), [], 'the page of proposals');
  const tab = await other.page.context().newPage();
  await tab.goto('/console/settings/proposals');
  await cards(tab).getByRole('button', { name: 'Refuse' }).waitFor();
  await theirs.getByLabel('A word on it').fill('Looked at it');
  await theirs.getByRole('button', { name: 'Confirm' }).focus();
  await other.page.keyboard.press('Enter');
  await other.page.getByText('Confirmed. The change holds now.').waitFor();
  await comesTo(() => cards(tab).count(), 0);
  await comesTo(() => mine.count(), 0);
  await page.getByText('5,000 seconds').waitFor();
  await other.page.getByRole('button', { name: 'Decided' }).click();
  await cards(other.page)
    .filter({ hasText: 'Confirmed by Second' })
    .getByText('Looked at it')
    .waitFor();

  // Of the policies, withdrawn by who proposed it; the draft is in the proposal, and not here any more.
  await page.goto('/console/integrations?view=policies');
  await page.locator('#policy-default').selectOption('deny');
  await page.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByRole('button', { name: 'Save policies' }).click();
  await dialog.waitFor({ state: 'detached' });
  await cards(page)
    .getByText('default: deny')
    .or(cards(page).getByText('"deny"'))
    .first()
    .waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'what waits above the policies');
  await cards(page).getByRole('button', { name: 'Withdraw' }).click();
  await page.getByText('Withdrawn. Nothing was changed.').waitFor();

  // In an emergency alone, with a reason.
  await page.goto('/console/settings/roles?edit=');
  await dialog.getByLabel('Name').fill('night-watch');
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await cards(page).getByText('New role night-watch').waitFor();
  await cards(page).getByRole('button', { name: 'Apply it alone…' }).click();
  const glass = cards(page).getByLabel('Why it cannot wait');
  await glass.press('Escape');
  await cards(page).getByRole('button', { name: 'Apply it alone…' }).press('Enter');
  await glass.fill('Nobody else is awake');
  await cards(page).getByRole('button', { name: 'Apply it alone' }).click();
  await page.getByRole('link', { name: 'night-watch' }).waitFor();

  // The value of a secret: what waits says that there is one, and no more.
  const value = `never-shown-${randomUUID()}`;
  await page.goto('/console/settings/runtime');
  await page.getByRole('button', { name: 'Add a secret' }).first().click();
  await dialog.getByLabel('Name').fill('NIGHT_KEY');
  assert.equal(await dialog.getByTestId('second-person').count(), 0, 'a name alone is no value');
  await dialog.getByLabel('Value').fill(value);
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByRole('button', { name: 'Save secret' }).click();
  await dialog.waitFor({ state: 'detached' });
  await cards(page).getByText('Value of the secret NIGHT_KEY').waitFor();
  await page.getByText('Proposed. It waits here').waitFor();
  await cards(page).getByText('You proposed this.').waitFor();
  assert.equal(await page.getByRole('row', { name: /NIGHT_KEY/ }).count(), 0);
  assert.deepEqual(await seriousFaults(page), [], 'what waits above the secrets');
  await other.page.goto('/console/settings/runtime');
  await cards(other.page).getByText('value: "set"').waitFor();
  await cards(other.page).getByRole('button', { name: 'Confirm' }).click();
  await other.page.getByRole('row', { name: /NIGHT_KEY/ }).waitFor();
  await page.getByRole('row', { name: /NIGHT_KEY/ }).waitFor();
  await page.getByRole('button', { name: 'Delete NIGHT_KEY' }).click();
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByLabel(/NIGHT_KEY/).fill('NIGHT_KEY');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await cards(other.page).getByText('Delete the secret NIGHT_KEY').waitFor();
  assert.ok(
    !(await page.content()).includes(value) && !(await other.page.content()).includes(value),
  );
  await cards(other.page).getByRole('button', { name: 'Refuse' }).click();
  await comesTo(() => cards(page).count(), 0);
  await page.getByRole('row', { name: /NIGHT_KEY/ }).waitFor();
  assert.deepEqual([...faults, ...other.faults], []);
  await other.close();
  await close();
});

test('a tool server is registered, changed and removed by two people', async (context) => {
  const tools = [{ name: 'read', description: 'Reads', inputSchema: { type: 'object' } }];
  const server = await startToolServer(tools);
  context.after(() => server.stop());
  const [mine, theirs] = [await browser.open(), await browser.open()];
  const [{ page }, other] = [mine, theirs];
  await letIn(page, owner);
  await letIn(other.page, second);
  const dialog = page.getByRole('dialog');
  const card = (of) => cards(of).filter({ hasText: 'watched' });

  // It says beforehand that it will wait; then it waits above the list, with what its tools say.
  await page.goto('/console/integrations?register=');
  await dialog.getByRole('radio', { name: /^HTTP/ }).check();
  await page.fill('#reg-name', 'watched');
  await page.fill('#reg-url', server.url);
  await dialog.getByRole('button', { name: 'Next' }).click();
  await page.fill('#reg-description', 'A watched one');
  await dialog.getByRole('button', { name: 'Next' }).click();
  await dialog.getByText(/It answered in/).waitFor();
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByRole('button', { name: 'Register', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await card(page).getByText('Register the tool server watched').waitFor();
  await card(page).getByText('description: "Reads"').waitFor();
  await card(page).getByText('You proposed this.').waitFor();
  assert.equal(await page.locator('[data-row="watched"]').count(), 0);
  assert.deepEqual(await seriousFaults(page), [], 'what waits above the servers');

  // What it tells by now is not what was seen: that is said at the change, which goes on waiting.
  await other.page.goto('/console/integrations');
  await card(other.page).getByText('description: "Reads"').waitFor();
  tools[0].description = 'Reads everything';
  await card(other.page).getByRole('button', { name: 'Confirm' }).click();
  await card(other.page).getByText('tells of other tools now').waitFor();
  tools[0].description = 'Reads';
  await card(other.page).getByRole('button', { name: 'Confirm' }).click();
  await other.page.locator('[data-row="watched"]').waitFor();
  await page.locator('[data-row="watched"]').waitFor();

  // On its own page: to be switched off, its settings, and to be taken away.
  await page.goto('/console/integrations/watched');
  await other.page.goto('/console/integrations/watched');
  await page.getByRole('button', { name: 'Switch off' }).click();
  await card(page).getByText('enabled: false').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'what waits above a server');
  await card(other.page).getByRole('button', { name: 'Confirm' }).click();
  await page.getByRole('button', { name: 'Switch on' }).waitFor();
  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.locator('#set-description').fill('Watched over');
  await page.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await card(page).getByText('Watched over').waitFor();
  const draft = await page.inputValue('#set-description');
  assert.equal(draft, 'A watched one', 'the draft is in the proposal');
  await card(page).getByRole('button', { name: 'Withdraw' }).click();
  await comesTo(() => card(page).count(), 0);
  await page.getByRole('button', { name: 'Remove server' }).click();
  await dialog.getByTestId('second-person').waitFor();
  await dialog.getByLabel(/watched/).fill('watched');
  await dialog.getByRole('button', { name: 'Remove server' }).click();
  await dialog.waitFor({ state: 'detached' });
  await card(page).getByText('Remove the tool server watched').waitFor();
  // Not the one before it, which is withdrawn and may stand there for a moment yet.
  await comesTo(() => card(other.page).getByText('Watched over').count(), 0);
  const removal = card(other.page).filter({ hasText: 'Remove the tool server watched' });
  await removal.getByRole('button', { name: 'Refuse' }).click();
  await comesTo(() => card(page).count(), 0);
  assert.deepEqual([...mine.faults, ...theirs.faults], []);
  await mine.close();
  await theirs.close();
});

test('the rule is turned off by the same way', () => rule(off));
