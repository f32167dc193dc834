import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import {
  asPerson,
  base,
  comesTo,
  fits,
  hasFocus,
  letIn,
  onceMore,
  owner,
  pressUntil,
  seriousFaults,
  signIn,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

/** An MCP server of the test's own over plain JSON, whose answers the test sets, and which can be switched off. */
const upstream = {
  isDown: false,
  /** So many calls are taken and broken off together: nobody can tell whether they had their effect. */
  breaksOff: 0,
  taken: [],
  tool: {
    name: 'add',
    title: 'Add numbers',
    description: 'Adds. <img src=x onerror=alert(1)> \u202Ehidden',
    inputSchema: {
      type: 'object',
      properties: {
        a: { type: 'number', description: 'The first one' },
        b: { type: 'number' },
        note: { type: 'string', pattern: '^[a-z]+$' },
      },
      required: ['a', 'b'],
    },
  },
};
let server;
let url;
before(async () => {
  server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      if (upstream.isDown || request.method !== 'POST') return response.writeHead(503).end();
      const call = JSON.parse(Buffer.concat(chunks).toString());
      if (upstream.breaksOff && call.method === 'tools/call') {
        upstream.taken.push(request.socket);
        if (upstream.taken.length < upstream.breaksOff) return;
        return upstream.taken.splice(0).forEach((socket) => socket.destroy());
      }
      if (call.id === undefined) return response.writeHead(202).end();
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ jsonrpc: '2.0', id: call.id, ...answerTo(call) }));
    });
  });
  // None is closed for lying idle: a busy gateway would have sent its next call on it by then.
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}/mcp`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function answerTo({ method, params }) {
  if (method === 'initialize')
    return {
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'calculator', version: '1.0.0' },
      },
    };
  if (method === 'tools/list') return { result: { tools: [upstream.tool] } };
  if (method === 'tools/call') {
    const { a, b } = params.arguments;
    return { result: { content: [{ type: 'text', text: `The sum is ${a + b}.` }] } };
  }
  if (method === 'ping') return { result: {} };
  return { error: { code: -32601, message: `${method} is not known` } };
}

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const rule = (page, id) => page.locator(`[data-rule="${id}"]`);
/** What an approval of the definition that waits has to say. */
async function waitingOf(api, server, tool) {
  const { items } = await api.get(`/mcp/pins?server=${server}&limit=200`);
  return { server, tool, hash: items.find((pin) => pin.tool === tool).waitingHash };
}
/** As somebody else would, who had read the same version. */
async function savePolicies(page, { version, document }, rules) {
  const { get } = await asPerson(page);
  const { csrfToken } = await get('/auth/me');
  const answer = await page.context().request.put('/mcp/policies', {
    ...onceMore,
    data: { ...document, rules },
    headers: {
      'x-csrf-token': csrfToken,
      'idempotency-key': randomUUID(),
      'if-match': `"${version}"`,
      origin: base,
    },
  });
  assert.equal(answer.status(), 200, await answer.text());
}
const row = (page, id) => page.locator(`[data-row="${id}"]`);

test('a server is registered after a look at what it brings, tried, and its call is seen', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/integrations');
  await row(page, 'skills').waitFor();
  await press(page, 'Register server');
  await page.getByRole('radio', { name: /^HTTP/ }).check();
  await press(page, 'Next');
  await page.getByText('A small letter, then').waitFor();
  await page.getByText('An address that begins with').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'register');
  await page.fill('#reg-name', 'sums');
  await page.fill('#reg-url', url);
  await press(page, 'Next');
  await page.fill('#reg-description', 'Adds numbers.');
  await press(page, 'Next');
  await page.getByText(/It answered in .*, with 1 tools\./).waitFor();
  await page.locator('aos-trial-note mark', { hasText: 'U+202E' }).waitFor();
  const { get } = await asPerson(page);
  const names = async () => (await get('/mcp/registry')).items.map(({ name }) => name);
  assert.ok(!(await names()).includes('sums'), 'nothing is kept before Register is pressed');
  await press(page, 'Register');
  await page.waitForURL(/\/integrations\/sums$/);
  // Its description hides a character, so the tool is off until somebody has looked at it.
  await page.getByRole('region', { name: 'add' }).getByText('U+202E').first().waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'held');
  await press(page, 'Approve this definition');
  await row(page, 'add').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'server');
  await row(page, 'add').click();
  await page.waitForURL(/\/integrations\/sums\/add$/);

  // What a stranger says of its tool is text.
  await page.getByText('<img src=x onerror=alert(1)>').waitFor();
  assert.equal(await page.locator('.description img').count(), 0);
  await page.locator('.description mark', { hasText: 'U+202E' }).waitFor();

  await press(page, 'Call');
  await page.getByText('To be mended first: 2').waitFor();
  await page.getByLabel('a', { exact: true }).fill('2');
  await page.getByLabel('b', { exact: true }).fill('x');
  await press(page, 'Call');
  await page.getByText('Must be a number.').waitFor();
  await page.getByLabel('b', { exact: true }).fill('40');
  // A pattern is the server's to check, and its word stands at the field.
  await page.getByLabel('note', { exact: true }).fill('NO');
  await press(page, 'Call');
  await page
    .getByText(/must match pattern/)
    .first()
    .waitFor();
  await page.getByLabel('note', { exact: true }).fill('yes');
  await press(page, 'Dry run');
  await page.getByText('Nothing was called').waitFor();
  await press(page, 'Call');
  await page.getByTestId('outcome').getByText('The sum is 42.').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'tool');

  const first = page.locator('aos-recent-calls [data-row]').first();
  await first.getByText('Done').waitFor();
  await first.click();
  const panel = page.getByRole('complementary', { name: 'sums.add' });
  await panel.getByText('The sum is 42.').waitFor();
  await page.waitForURL(/at=/);
  await page.reload();
  await panel.getByText('The sum is 42.').waitFor();
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await close();
});

test('what was typed waits for whoever signs in again, and the keys stay where they were', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const { get } = await asPerson(page);
  await page.goto('/console/integrations');
  await row(page, 'skills').waitFor();
  await press(page, 'Register server');
  await page.getByRole('radio', { name: /^HTTP/ }).check();
  await page.fill('#reg-name', 'typed');
  await page.fill('#reg-url', `${url}?typed-with-care`);
  // By Enter to the next step, and to its first field.
  await page.keyboard.press('Enter');
  await hasFocus(page.locator('#reg-description'));
  // The session ends in another tab, by its own way out.
  const { csrfToken } = await get('/auth/me');
  const left = await page.context().request.post('/auth/logout', {
    headers: { 'x-csrf-token': csrfToken, origin: base },
  });
  assert.equal(left.status(), 204);
  await page.waitForURL(/sign-in/);
  await page.fill('#email', owner.email);
  await page.fill('#password', owner.password);
  await page.click('button[type=submit]');
  await comesTo(() => page.inputValue('#reg-name'), 'typed');
  await comesTo(() => page.inputValue('#reg-url'), `${url}?typed-with-care`);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });

  await page.goto('/console/integrations/skills/csv.profile');
  const file = page.locator('aos-tool-try aos-schema-form input').first();
  await file.fill('nowhere.csv');
  await page.keyboard.press('Enter');
  await page.locator('aos-tool-try').getByText('Open trace').waitFor();
  await hasFocus(file);
  assert.deepEqual(faults, []);
  await close();
});

test('a server that fails shows it, and heals, without a reload', async () => {
  const { page, faults, close } = await browser.open({ language: 'zh', theme: 'dark' });
  await letIn(page);
  const { post } = await asPerson(page);
  await post('/mcp/registry', { name: 'shaky', transport: 'http', url });
  await page.goto('/console/integrations');
  await row(page, 'shaky').getByText('正常').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'servers');
  upstream.isDown = true;
  await post('/mcp/call', { server: 'shaky', tool: 'add', args: { a: 1, b: 1 } }).catch(() => {});
  // The error in the row says as much, of its server.
  await row(page, 'shaky').getByText('无法连接', { exact: true }).waitFor();
  // Among many servers, those that do not answer are looked for by their state.
  await page.getByRole('button', { name: '状态' }).click();
  await page
    .getByRole('dialog')
    .getByText(/^无法连接 \d+$/)
    .click();
  await page.waitForURL(/state=unreachable/);
  await row(page, 'skills').waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  upstream.isDown = false;
  await row(page, 'shaky').click();
  await press(page, '测试连接');
  await page.getByText(/已在 .* 内应答，共 1 个工具。/).waitFor();
  await page.keyboard.press('Escape');
  await page.locator('header').getByText('正常').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a real server over stdio is started from an approved template, changed and removed', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/integrations');
  await press(page, 'Register server');
  await page.fill('#reg-name', 'notes');
  await page.selectOption('#reg-template', '@modelcontextprotocol/server-memory');
  await press(page, 'Next');
  await press(page, 'Next');
  await page.getByText(/It answered in .*, with \d+ tools\./).waitFor();
  await press(page, 'Register');
  await page.waitForURL(/\/integrations\/notes$/);
  await row(page, 'read_graph').waitFor();

  await page.getByRole('tab', { name: 'Settings' }).click();
  await page.locator('#set-timeout').fill('30');
  await page.getByLabel('read_graph').check();
  await press(page, 'See what changes');
  await page.getByTestId('changed-lines').waitFor();
  await press(page, 'Save');
  await page.getByText('version 2').waitFor();
  const { get } = await asPerson(page);
  const kept = await get('/mcp/registry/notes');
  assert.deepEqual([kept.timeoutMs, kept.idempotentTools], [30_000, ['read_graph']]);

  await press(page, 'Switch off');
  await page.locator('header').getByText('Switched off').waitFor();
  await press(page, 'Switch on');
  // Removed is the version that is shown; one that is about to be another would be refused.
  await page.locator('header').getByText('Switched off').waitFor({ state: 'detached' });
  const remove = page.getByRole('dialog').getByRole('button', { name: 'Remove server' });
  await pressUntil(page.getByRole('button', { name: 'Remove server', exact: true }).last(), remove);
  await comesTo(() => remove.isDisabled(), true);
  await page.fill('#confirm-name', 'notes');
  await remove.click();
  await page.waitForURL(/\/integrations$/);
  await row(page, 'skills').waitFor();
  await comesTo(() => row(page, 'notes').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('tools of all servers are found by words, and opened by keyboard', async () => {
  const { page, close } = await browser.open({ width: 390, height: 844 });
  await letIn(page);
  await page.goto('/console/integrations?view=tools&q=csv profile');
  await row(page, 'skills.csv.profile').waitFor();
  await comesTo(() => page.locator('[data-row]').count(), 1);
  await page.keyboard.press('j');
  await page.locator('[data-row].active').waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/integrations\/skills\/csv\.profile$/);
  await page.locator('aos-schema-form').waitFor();
  // The dot in its name makes no file of it.
  await page.reload();
  await page.locator('aos-schema-form').waitFor();
  await fits(page, 'a tool');
  await close();
});

test('rules are drafted, tried against the draft, and saved upon what somebody else saved', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const api = await asPerson(page);
  await api.post('/mcp/registry', { name: 'judged', transport: 'http', url });
  await api.post('/mcp/pins/approve', await waitingOf(api, 'judged', 'add'));
  await page.goto('/console/integrations?view=policies');
  await press(page, 'Add rule');
  await press(page, 'Put into the draft');
  await page.getByText('A small letter or a digit').waitFor();
  await page.fill('#rule-id', 'no-large-sums');
  await page.getByLabel('Why there is this rule').fill('Large ones are done by hand');
  await page.fill('#rule-servers', 'judged');
  await page.keyboard.press('Enter');
  await page.fill('#rule-roles', 'operator');
  await page.keyboard.press('Enter');
  await press(page, 'Add condition');
  await page.getByLabel('Argument', { exact: true }).fill('/a');
  await page.getByLabel('Comparison').selectOption('greater-than');
  await page.getByLabel('Value', { exact: true }).fill('much');
  await press(page, 'Put into the draft');
  await page.getByText('A number.').waitFor();
  await page.getByLabel('Value', { exact: true }).fill('100');
  assert.deepEqual(await seriousFaults(page), [], 'rule');
  await press(page, 'Put into the draft');
  await rule(page, 'no-large-sums').waitFor();

  // By the draft an operator may not, by what is saved they may; somebody else is not concerned.
  await page.fill('#dry-tool', 'judged.add');
  await page.selectOption('#dry-as', 'role:operator');
  await page.getByLabel('a', { exact: true }).fill('1000');
  await page.getByLabel('b', { exact: true }).fill('1');
  await press(page, 'Dry run');
  const foreseen = page.getByTestId('foreseen');
  await foreseen.getByText('It would not be called').waitFor();
  await foreseen.locator('[data-link=policy].stop').waitFor();
  await foreseen.locator('[data-link=schema].pass').waitFor();
  await rule(page, 'no-large-sums').getByText('decides').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'dry run');
  await page.selectOption('#dry-as', '');
  await press(page, 'Dry run');
  await foreseen.getByText('It would be called').waitFor();
  await page.waitForURL(/tool=judged\.add/);

  // A reload loses neither the draft nor the question.
  await page.reload();
  await rule(page, 'no-large-sums').waitFor();
  await comesTo(() => page.inputValue('#dry-tool'), 'judged.add');

  const saved = await api.get('/mcp/policies');
  const theirs = { id: 'theirs', effect: 'approve', servers: ['nowhere'] };
  await savePolicies(page, saved, [theirs, ...saved.document.rules]);
  await press(page, 'See what changes');
  await page.getByRole('heading', { name: 'What they changed' }).waitFor();
  await page.getByRole('table', { name: 'What they changed' }).getByText('nowhere').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'stale');
  await press(page, 'Go on upon their version');
  await page.getByText(/none would have been decided otherwise|No calls are on record/).waitFor();
  await press(page, 'Save policies');
  await page.locator('dialog').waitFor({ state: 'detached' });
  const { document } = await api.get('/mcp/policies');
  const names = document.rules.map(({ id }) => id);
  assert.deepEqual(names.slice(0, 2).sort(), ['no-large-sums', 'theirs']);
  await comesTo(() => page.getByText('A draft: nothing of it').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('rules are walked, moved and switched by keyboard', async () => {
  const { page, close } = await browser.open({ language: 'zh', theme: 'dark' });
  await signIn(page);
  const api = await asPerson(page);
  const saved = await api.get('/mcp/policies');
  const [one, two] = ['keys-one', 'keys-two'].map((id) => ({
    id,
    effect: 'allow',
    servers: ['nowhere'],
  }));
  await savePolicies(page, saved, [one, two, ...saved.document.rules]);
  await page.goto('/console/integrations?view=policies');
  await rule(page, 'keys-one').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'policies');
  await page.keyboard.press('j');
  await hasFocus(rule(page, 'keys-one'));
  await page.keyboard.press('Alt+ArrowDown');
  await page.getByText('keys-one 现在是').waitFor();
  const order = () =>
    page
      .locator('[data-rule]')
      .evaluateAll((rows) => rows.slice(0, 2).map(({ dataset }) => dataset.rule));
  await comesTo(order, ['keys-two', 'keys-one']);
  await page.keyboard.press('x');
  await rule(page, 'keys-one').getByText('已停用').waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/rule=keys-one/);
  await comesTo(() => page.inputValue('#rule-id'), 'keys-one');
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await press(page, '放弃');
  await page.getByText('这是草稿').waitFor({ state: 'detached' });
  await comesTo(order, ['keys-one', 'keys-two']);
  await page.fill('aos-policies-view input[type=search]', 'keys-two');
  await rule(page, 'keys-one').waitFor({ state: 'detached' });
  await page.waitForURL(/q=keys-two/);
  await close();
});

test('servers of another program are previewed, given their secret by name, and added', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const api = await asPerson(page);
  const secret = await api.send('PUT', '/config/runtime/secrets/CALC_TOKEN', {
    value: 'canary-of-the-import',
    purpose: 'test',
  });
  assert.ok(secret.ok(), await secret.text());
  await page.goto('/console/integrations');
  await press(page, 'Import');
  await page.getByRole('menuitem', { name: /mcpServers/ }).click();
  const settings = (text) =>
    page.setInputFiles('aos-import-servers input[type=file]', {
      name: 'mcp.json',
      mimeType: 'application/json',
      buffer: Buffer.from(text),
    });
  await settings('{ "mcpServers": ');
  await page.getByText('This is no JSON yet').waitFor();
  const see = page.getByRole('button', { name: 'See what would be added' });
  await comesTo(() => see.isDisabled(), true);
  await settings(`{
    // as VS Code writes it
    "servers": {
      "Plain Sums": { "url": "${url}" },
      "signed": { "url": "${url}", "headers": { "Authorization": "Bearer canary-in-clear" } },
      "shell": { "command": "bash", "args": ["-c", "id"] },
    },
  }`);
  await press(page, 'See what would be added');
  const entry = (name) => page.locator(`[data-entry="${name}"]`);
  await entry('shell').getByText('Refused').waitFor();
  await entry('signed').getByText('Wants a secret').waitFor();
  assert.equal(await page.locator('dialog').getByText('canary-in-clear').count(), 0);
  assert.deepEqual(await seriousFaults(page), [], 'import');
  await entry('signed').getByLabel('Secret for Authorization').selectOption('CALC_TOKEN');
  await entry('signed').getByText('Will be added').waitFor();
  const known = async () =>
    (await api.get('/mcp/registry?limit=200')).items.map(({ name }) => name);
  assert.ok(!(await known()).includes('plain-sums'), 'a preview keeps nothing');
  await press(page, 'Add 2');
  await page.getByText('Added: 2').waitFor();
  const added = await known();
  assert.ok(added.includes('plain-sums') && added.includes('signed') && !added.includes('shell'));
  await page.keyboard.press('Escape');
  await row(page, 'plain-sums').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('operations of an OpenAPI document are chosen, and become a server', async () => {
  const { page, faults, close } = await browser.open({ language: 'zh', theme: 'dark' });
  await letIn(page);
  await page.goto('/console/integrations?import=openapi');
  // An address inside this machine is not fetched, and the answer says so at its field.
  await page.fill('#openapi-address', 'http://169.254.169.254/openapi.json');
  await page.fill('#openapi-name', 'shop');
  await press(page, '预览导入结果');
  await page.locator('aos-problem').getByText('documentUrl').waitFor();
  await press(page, '文件或文本');
  await page.fill(
    '#openapi-text',
    [
      'openapi: 3.1.0',
      'servers: [{ url: https://shop.example.com/v1 }]',
      'paths:',
      '  /items:',
      '    get: { operationId: listItems, summary: All items }',
      '    post: { operationId: addItem }',
      '  /far: { get: { operationId: far, parameters: [{ $ref: "https://x.test/p" }] } }',
    ].join('\n'),
  );
  await press(page, '预览导入结果');
  await page.locator('[data-operation=listItems]').waitFor();
  await page.getByText('未纳入：1').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'openapi');
  await page.locator('[data-operation=addItem] input').uncheck();
  await press(page, '添加，含 1 个工具');
  await page.waitForURL(/\/integrations\/shop$/);
  await row(page, 'listItems').waitFor();
  await comesTo(() => row(page, 'addItem').count(), 0);
  assert.deepEqual(faults, []);
  await close();
});

test('limits are set and seen in use, and a server is moved once it answers at its new place', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const api = await asPerson(page);
  await api.post('/mcp/registry', { name: 'measured', transport: 'http', url });
  await api.post('/mcp/pins/approve', await waitingOf(api, 'measured', 'add'));
  await page.goto('/console/integrations/measured?tab=settings');
  await page.fill('#set-limit-perMinute', 'many');
  await page.getByText('Whole numbers, from 1.').waitFor();
  await page.fill('#set-limit-perMinute', '50');
  await page.fill('#set-limit-toolPerMinute', '40');
  await press(page, 'See what changes');
  await press(page, 'Save');
  await page.locator('dialog').waitFor({ state: 'detached' });
  // So many that what they have used is not made up for before it is seen; and that without a reload.
  const add = () =>
    api.post('/mcp/call', { server: 'measured', tool: 'add', args: { a: 1, b: 1 } });
  await Promise.all(Array.from({ length: 25 }, add));
  const gauge = (name) => page.getByRole('meter', { name });
  await page.locator('[role=meter][aria-valuemax="50"]:not([aria-valuenow="0"])').waitFor();
  await comesTo(() => gauge('Server, a minute').getAttribute('aria-valuemax'), '50');
  assert.deepEqual(await seriousFaults(page), [], 'settings');

  // Nobody answers there: nothing is changed, and the draft stays.
  await page.fill('#set-url', 'http://127.0.0.1:9/mcp');
  await press(page, 'See what changes');
  await page.getByText('It is asked there before anything is saved').waitFor();
  await press(page, 'Save');
  await page.locator('dialog aos-problem').waitFor();
  assert.equal((await api.get('/mcp/registry/measured')).url, url);
  await page.keyboard.press('Escape');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await comesTo(() => page.inputValue('#set-url'), 'http://127.0.0.1:9/mcp');
  await page.fill('#set-url', `${url}?moved`);
  await press(page, 'See what changes');
  await press(page, 'Save');
  await page.locator('dialog').waitFor({ state: 'detached' });
  assert.equal((await api.get('/mcp/registry/measured')).url, `${url}?moved`);

  await page.goto('/console/integrations/measured/add');
  await page.locator('[role=meter][aria-valuemax="40"]').waitFor();
  await page.getByLabel('a', { exact: true }).fill('1');
  await page.getByLabel('b', { exact: true }).fill('2');
  await press(page, 'Dry run');
  await page.getByTestId('outcome').getByText('It would be called').waitFor();
  await page.getByTestId('outcome').locator('[data-link="rate-limit"].pass').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'tool');
  assert.deepEqual(faults, []);
  await close();
});

test('a server that broke off several times is left alone, and says when it is tried again', async () => {
  const { page, faults, close } = await browser.open({ width: 390, height: 844 });
  await letIn(page);
  const api = await asPerson(page);
  await api.post('/mcp/registry', { name: 'breaking', transport: 'http', url });
  await api.post('/mcp/pins/approve', await waitingOf(api, 'breaking', 'add'));
  await page.goto('/console/integrations/breaking');
  const circuit = page.locator('aos-live-gauges');
  await circuit.getByText('Go through').waitFor();
  upstream.breaksOff = 6;
  const call = () =>
    api.send('POST', '/mcp/call', { server: 'breaking', tool: 'add', args: { a: 1, b: 1 } });
  await Promise.all(Array.from({ length: upstream.breaksOff }, call));
  await circuit.getByText('Left alone').waitFor();
  await circuit.locator('time').waitFor();
  upstream.breaksOff = 0;
  assert.deepEqual(faults, []);
  await close();
});

test('a definition that waits is found among all, compared, and approved', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const api = await asPerson(page);
  await api.post('/mcp/registry', { name: 'pinned', transport: 'http', url });
  await page.goto('/console/integrations?view=pins&server=pinned');
  await row(page, 'pinned.add').getByText('Hides text').waitFor();
  await page.keyboard.press('j');
  await page.locator('[data-row="pinned.add"].active').waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/at=pinned\.add/);
  const panel = page.getByRole('complementary', { name: 'pinned.add' });
  await panel.getByText('U+202E').first().waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'pins');
  await press(page, 'Approve this definition');
  await row(page, 'pinned.add').getByText('Approved').waitFor();
  await panel.getByText('approved by').waitFor();
  await comesTo(() => page.getByRole('button', { name: 'Approve this definition' }).count(), 0);
  await page.goto('/console/integrations?view=pins&server=pinned&state=quarantined');
  await page.getByText('No definition by these filters').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a rule says who has to approve: nobody else does, and both are heard', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const password = 'a long enough password';
  const [ana, ben] = ['Ana', 'Ben'].map((name) => ({
    ...{ name, password, role: 'admin' },
    email: `${name.toLowerCase()}.approves@example.com`,
  }));
  for (const person of [ana, ben]) await api.post('/rbac/users', person);

  await page.goto('/console/integrations?view=policies');
  await press(page, 'Add rule');
  await page.fill('#rule-id', 'two-admins');
  await page.getByRole('radio', { name: /^Ask first/ }).check();
  await page.selectOption('#rule-count', '2');
  for (const [field, name] of [
    ['approver-roles', 'admin'],
    ['servers', 'skills'],
    ['tools', 'text.report'],
  ]) {
    await page.fill(`#rule-${field}`, name);
    await page.press(`#rule-${field}`, 'Enter');
  }
  await page.getByRole('checkbox', { name: /^Never the one who asked/ }).check();
  await press(page, 'Add condition');
  await page.getByLabel('Argument', { exact: true }).fill('/title');
  await page.getByLabel('Value', { exact: true }).fill('For two');
  await page.getByText('Approved by: 2 people of the role admin, not the one who asked.').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'rule');
  await press(page, 'Put into the draft');
  await press(page, 'See what changes');
  await press(page, 'Save policies');
  await page.locator('dialog').waitFor({ state: 'detached' });
  await rule(page, 'two-admins').getByText('2 people of the role admin').waitFor();

  const ask = (who, text) => {
    const args = { title: 'For two', sections: [] };
    const steps = [{ id: 'report', tool: 'skills.text.report', args }];
    return who.post('/api/chat/send', { text, steps });
  };
  const stackOf = (on, text) => on.locator('.stack', { hasText: text }).first();
  const cardOf = (on, text) => stackOf(on, text).locator('aos-approval-card').first();
  /** Behind the later cards of its task, once that is over. */
  const decided = async (text, how) => {
    const stack = stackOf(page, text);
    await stack.locator('.more').click();
    await stack.locator('[data-testid=decided]', { hasText: how }).waitFor();
  };
  await page.goto('/console/chat');
  await page.waitForSelector('.live.live');
  await ask(api, 'A report that two admins approve');
  const mine = cardOf(page, 'A report that two admins approve');
  await mine.getByText('You asked for this yourself').waitFor();
  assert.equal(await mine.getByRole('button', { name: 'Continue' }).count(), 0);

  const other = await browser.open({ language: 'en', theme: 'dark' });
  await signIn(other.page, ana);
  const theirs = cardOf(other.page, 'A report that two admins approve');
  await theirs.getByRole('button', { name: 'Continue' }).click();
  await theirs.getByText('You said yes').waitFor();
  for (const card of [theirs, mine]) await card.getByText('1 of 2', { exact: true }).waitFor();
  assert.deepEqual(await seriousFaults(other.page), [], 'card');
  const third = await browser.open();
  await signIn(third.page, ben);
  await cardOf(third.page, 'A report that two admins approve')
    .getByRole('button', { name: 'Continue' })
    .click();
  await decided('A report that two admins approve', 'Ana, Ben');

  assert.deepEqual([...faults, ...other.faults, ...third.faults], []);
  for (const each of [third, other]) await each.close();
  await close();
});
