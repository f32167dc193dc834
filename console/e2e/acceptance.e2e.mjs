/**
 * The acceptance path of the product, start to finish and by hand: an agent from a template with its tools, started
 * and on the gateway; a goal over a real CSV; cards, approval, receipt, results; the trace, the replay, the rerun.
 * With the mouse in both languages and themes, with the keyboard alone, and with the line cut in the middle.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  keyTo,
  owner,
  signIn,
  signInByTheDoor,
  succeeds,
  tryNow,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();
const data = fileURLToPath(new URL('../../ops/demo/data/birdstrikes.csv', import.meta.url));

/** So that a server which has seen these tests before takes them for new work. */
const tag = randomUUID().slice(0, 4);

const said = {
  en: {
    create: 'Create agent',
    next: 'Next',
    createNow: 'Create',
    template: /^Data analyst/,
    start: 'Start',
    running: 'Running',
    register: 'Register with gateway',
    unregister: 'Take out of gateway',
    continue: 'Continue',
    done: 'Done',
    traces: 'Traces',
    trace: 'Trace',
    replay: 'Replay',
    moment: 'Moment of the run',
    rerun: 'Rerun',
    rooms: { agents: 'Agents', chat: 'Chat Hub', monitor: 'Monitor', projects: 'Projects' },
  },
  zh: {
    create: '新建智能体',
    next: '下一步',
    createNow: '创建',
    template: /^数据分析师/,
    start: '启动',
    running: '运行中',
    register: '注册到网关',
    unregister: '从网关移除',
    continue: '继续',
    done: '已完成',
    traces: '链路',
    trace: '链路',
    replay: '回放',
    moment: '运行的时刻',
    rerun: '重新运行',
    rooms: { agents: '智能体', chat: '对话', monitor: '监控', projects: '项目' },
  },
};

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const enter = (page, name) => page.locator('nav.rail').getByRole('link', { name }).click();
const stackOf = (page, goal) => page.locator('.stack', { hasText: goal }).first();
const openCard = (page, goal) => stackOf(page, goal).locator('aos-approval-card article');
const isValue = ({ type }) =>
  /^(task\.(acceptance|progress\.milestone|receipt)|approval\.request|anomaly\.detected|recovery\.(start|done))$/.test(
    type,
  );

async function makeAgent(page, words, name) {
  await enter(page, words.rooms.agents);
  await press(page, words.create);
  await page.fill('#new-name', name);
  await page.getByRole('radio', { name: words.template }).check();
  await press(page, words.next);
  await press(page, words.next);
  await page.getByRole('checkbox', { name: 'env.*' }).check();
  for (let step = 0; step < 2; step += 1) await press(page, words.next);
  await press(page, words.createNow);
  await page.waitForURL(new RegExp(`/agents/${name}$`));
  await press(page, words.start);
  await page.locator('header').getByText(words.running).first().waitFor();
  await press(page, words.register);
  await page.getByRole('button', { name: words.unregister }).waitFor();
}

async function sendGoal(page, words, goal, agent) {
  await enter(page, words.rooms.chat);
  await page.setInputFiles('input[type=file]', data);
  await page.locator('li', { hasText: /birdstrikes\.csv.*kB|birdstrikes\.csv.*MB/s }).waitFor();
  await page.locator('form.box .tools [aria-haspopup=menu]').click();
  await page.getByRole('menuitem', { name: new RegExp(`^${agent}`) }).click();
  await page.fill('#goal', goal);
  await page.press('#goal', 'Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
}

async function runOf(api, goal) {
  const { items } = await api.get('/jobs?limit=50');
  return items.find((job) => job.goal === goal);
}

/** Every value event of the run is one card, in the order of their seq, and no card is there twice. */
async function assertCards(page, api, goal, traceId) {
  const stack = stackOf(page, goal);
  const { events } = await api.get(`/api/episodes/${traceId}`);
  const told = events.filter(isValue).sort((a, b) => b.seq - a.seq);
  // Three at most are shown by themselves, or four where one more would be hidden.
  if (told.length > 4) await stack.locator('.more').click();
  const rows = stack.locator('.row');
  await rows.nth(told.length - 1).waitFor();
  await comesTo(() => rows.count(), told.length);
  const cards = await stack.locator('aos-event-card article').evaluateAll((found) =>
    found.map((card) => ({
      seq: Number(card.dataset.seq),
      sentence: card.querySelector('.sentence').innerText.trim(),
    })),
  );
  const expected = told.filter(({ type }) => type !== 'approval.request');
  assert.deepEqual(
    cards.map(({ seq }) => seq),
    expected.map(({ seq }) => seq),
  );
  const sentences = cards.map(({ sentence }) => sentence);
  if ((await page.getAttribute('html', 'lang')).startsWith('en'))
    assert.deepEqual(
      sentences,
      expected.map(({ summary }) => summary),
    );
  else for (const sentence of sentences) assert.match(sentence, /\p{Script=Han}/u);
}

async function seeResults(page) {
  await page.locator('aos-workspace').waitFor();
  await page
    .getByRole('tab', { name: /\.(svg|png)$/ })
    .first()
    .click();
  const picture = page.locator('aos-workspace img');
  await picture.waitFor();
  await page.waitForFunction((image) => image.naturalWidth > 300, await picture.elementHandle());
}

for (const [language, theme] of [
  ['en', 'light'],
  ['zh', 'dark'],
]) {
  test(`from an empty page to a rerun (${language}, ${theme})`, async () => {
    const words = said[language];
    const goal = `Look into the bird strikes, ${language} ${tag}`;
    const { page, faults, close } = await browser.open({ language, theme });
    await signInByTheDoor(page);
    const api = await asPerson(page);
    await makeAgent(page, words, `analyst-${language}-${tag}`);
    await sendGoal(page, words, goal, `analyst-${language}-${tag}`);

    const card = openCard(page, goal);
    await card.waitFor();
    await comesTo(() => card.innerText(), /skills\.csv\.clean/);
    await comesTo(() => card.innerText(), /dropDuplicates/);
    await card.getByRole('button', { name: words.continue }).click();
    await page.locator('aos-task-line aos-state.done').waitFor();
    const { traceId, id } = await runOf(api, goal);
    await assertCards(page, api, goal, traceId);
    await seeResults(page);

    await enter(page, words.rooms.monitor);
    const traces = page
      .locator('main')
      .getByRole('link', { name: words.traces, exact: true })
      .or(page.locator('main').getByRole('tab', { name: words.traces, exact: true }));
    await traces.first().click();
    await page.locator('main').getByText(goal).first().click();
    const whole = page.locator(`main a[href*="/monitor/traces/${traceId}"]`).first();
    if (!page.url().includes(`/monitor/traces/${traceId}`)) await whole.click();
    await page.locator('aos-waterfall .row').nth(3).waitFor();

    await page.goto(`/console/projects/runs/${traceId}`);
    await press(page, words.replay);
    const slider = page.getByRole('slider', { name: words.moment });
    await slider.waitFor();
    await slider.press('Home');
    await comesTo(() => slider.inputValue(), '0');
    await slider.press('End');

    await press(page, words.rerun);
    await page.waitForURL(
      (url) => /\/projects\/runs\//.test(url.pathname) && !url.pathname.includes(traceId),
    );
    const [, again] = /runs\/([0-9a-f]{32})/.exec(page.url());
    const { job } = await api.get(`/api/episodes/${again}`);
    assert.equal(job.rerunOf, id);
    await api.post(`/jobs/${job.id}/cancel`, {});
    assert.deepEqual(faults, []);
    await close();
  });
}

test('a line that is cut in the middle of the task loses no card and shows none twice', async () => {
  const goal = `Look into the bird strikes, cut ${tag}`;
  const { page, faults, close } = await browser.open();
  let isCut = false;
  const lines = new Set();
  await page.routeWebSocket(/\/agent\/events$/, (socket) => {
    if (isCut) return void socket.close({ code: 1001, reason: 'cut' });
    lines.add(socket);
    socket.connectToServer();
  });
  await signIn(page);
  const api = await asPerson(page);
  const { id: agentId } = await api.post('/agents', {
    name: `analyst-cut-${tag}`,
    template: 'data-analyst',
  });
  await api.post(`/agents/${agentId}/start`, {});
  await page.reload();
  await page.waitForSelector('.live.live');
  await sendGoal(page, said.en, goal, `analyst-cut-${tag}`);
  await openCard(page, goal).waitFor();

  // Nothing gets through in either direction; somebody else decides, and the task ends meanwhile.
  isCut = true;
  await page.route(/\/(api|agent|jobs|auth|projects|agents)\b/, (route) => route.abort());
  await Promise.all([...lines].map((line) => line.close({ code: 1001, reason: 'cut' })));
  await page.locator('[data-testid=lost]').waitFor();
  const { traceId, id: jobId } = await runOf(api, goal);
  const { items } = await api.get('/agent/approvals?status=pending');
  const { id: approvalId } = items.find((approval) => approval.traceId === traceId);
  await api.post('/agent/approve', { approvalId, decision: 'continue' });
  await succeeds(api, jobId);
  await comesTo(() => stackOf(page, goal).locator('aos-state.done').count(), 0);

  isCut = false;
  await page.unroute(/\/(api|agent|jobs|auth|projects|agents)\b/);
  await tryNow(page);
  await page.locator('[data-testid=lost]').waitFor({ state: 'detached' });
  await openCard(page, goal).waitFor({ state: 'detached' });
  await stackOf(page, goal).locator('aos-event-card aos-state.done').first().waitFor();
  await assertCards(page, api, goal, traceId);
  assert.deepEqual(faults, []);
  await close();
});

// ── The keyboard alone ────────────────────────────────────────────────────────────────────────────

/** Presses Tab until what has the focus is called this, and stands in the stack of cards of this goal where one is given. */
async function tabTo(page, name, key = 'Tab', goal = null) {
  const isThere = async () => {
    const focused = await page.evaluate((of) => {
      let { activeElement: element } = document;
      if (of && !element?.closest('.stack')?.textContent.includes(of)) return 'elsewhere';
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      const label = element?.labels?.[0]?.textContent;
      return (element?.getAttribute('aria-label') ?? label ?? element?.textContent ?? '').trim();
    }, goal);
    return (
      (typeof name === 'string' ? focused === name : name.test(focused)) || focused.slice(0, 40)
    );
  };
  await keyTo(page, isThere, { key, wanted: name });
}
/** Goes down the list with j until the row in hand says this; each row is seen in hand before the next press. */
async function downTo(page, text) {
  const inHand = page.locator('aos-data-table .row.active');
  const met = new Map();
  for (;;) {
    await page.keyboard.press('j');
    const rowIn = async () => {
      if ((await inHand.count()) === 0) return 'no row is in hand';
      const row = await inHand.getAttribute('data-row');
      return !met.has(row) || `no further than ${[...met.values()].join(' | ')}`;
    };
    await comesTo(rowIn, true);
    const said = await inHand.innerText();
    if (said.includes(text)) return;
    met.set(await inHand.getAttribute('data-row'), said.replace(/\s+/g, ' ').slice(0, 60));
  }
}
const go = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

test('the keyboard alone takes a person from the door to the rerun', async () => {
  const goal = `Look into the bird strikes, typed ${tag}`;
  const { page, faults, close } = await browser.open();
  await page.goto('/console/');
  await page.waitForSelector('#email:focus');
  await page.keyboard.type(owner.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(owner.password);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#goal');
  await page.waitForSelector('.live.live');
  const api = await asPerson(page);

  await page.keyboard.press('Control+k');
  await page.waitForSelector('aos-palette input:focus');
  await page.keyboard.type('agents');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/agents$/);
  await page.getByRole('button', { name: 'Create agent' }).waitFor();
  await tabTo(page, 'Create agent');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#new-name');
  await page.waitForSelector('aos-dialog dialog [type=radio]');
  // Whoever opens the form begins at its first field.
  await page.waitForSelector('#new-name:focus');
  await page.keyboard.type(`analyst-typed-${tag}`);
  await page.keyboard.press('Enter');
  await page.locator('aos-agent-prompt').waitFor();
  await tabTo(page, 'Next');
  await page.keyboard.press('Enter');
  await page.locator('aos-tool-picker').waitFor();
  await tabTo(page, /^env\.\*/);
  await page.keyboard.press('Space');
  for (const step of ['3', '4']) {
    await tabTo(page, 'Next');
    await page.keyboard.press('Enter');
    await page.locator(`.steps li.now:nth-child(${Number(step) + 1})`).waitFor();
  }
  await tabTo(page, 'Create');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/agents\/analyst-typed-/);
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  await tabTo(page, 'Start');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  await tabTo(page, 'Register with gateway', 'Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Take out of gateway' }).waitFor();

  await go(page, 'Escape', 'g', 'c');
  await page.waitForURL(/\/chat/);
  await page.waitForSelector('#goal');
  const asked = page.waitForEvent('filechooser');
  await tabTo(page, 'Attach files');
  await page.keyboard.press('Enter');
  const chooser = await asked;
  await chooser.setFiles(data);
  await page.locator('li', { hasText: /birdstrikes\.csv.*kB|birdstrikes\.csv.*MB/s }).waitFor();
  await tabTo(page, /^Any agent/);
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: new RegExp(`^analyst-typed-${tag}`) }).waitFor();
  await tabTo(page, new RegExp(`^analyst-typed-${tag}`), 'ArrowDown');
  await page.keyboard.press('Enter');
  await page
    .locator('form.box .tools [aria-haspopup=menu]', { hasText: `analyst-typed-${tag}` })
    .waitFor();
  // Who it is for is chosen: the cursor is back where the goal is written.
  await page.waitForSelector('#goal:focus');
  await page.keyboard.type(goal);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await openCard(page, goal).waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  await tabTo(page, 'Continue', 'Tab', goal);
  await page.keyboard.press('Enter');
  await page.locator('aos-task-line aos-state.done').waitFor();
  const { traceId } = await runOf(api, goal);
  await assertCards(page, api, goal, traceId);

  await page.evaluate(() => document.activeElement?.blur());
  await go(page, 'g', 'm');
  await page.waitForURL(/\/monitor/);
  await go(page, 'g', 'p');
  await page.waitForURL(/\/projects/);
  await page.locator('main').getByText(goal).first().waitFor();
  await downTo(page, goal);
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Open the run' }).waitFor();
  await tabTo(page, 'Open the run');
  await page.keyboard.press('Enter');
  await page.waitForURL(new RegExp(`/runs/${traceId}`));
  await page.getByRole('button', { name: 'Replay' }).waitFor();
  await tabTo(page, 'Replay');
  await page.keyboard.press('Enter');
  await page.getByRole('slider', { name: 'Moment of the run' }).waitFor();
  await tabTo(page, 'Moment of the run');
  await page.keyboard.press('Home');
  await tabTo(page, 'Rerun', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => /\/runs\//.test(url.pathname) && !url.pathname.includes(traceId));
  const [, again] = /runs\/([0-9a-f]{32})/.exec(page.url());
  const { job } = await api.get(`/api/episodes/${again}`);
  await api.post(`/jobs/${job.id}/cancel`, {});
  assert.deepEqual(faults, []);
  await close();
});
