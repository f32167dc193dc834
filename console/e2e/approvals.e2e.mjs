import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, comesTo, csv, hasFocus, keyTo, plan, signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();

/** A task that waits for a decision on how it is drawn. */
async function askToPlot(api, text) {
  const { artifactId } = await api.upload('data.csv', csv);
  const draw = {
    id: 'plot',
    tool: 'skills.viz.plot',
    args: {
      file: '${inputs.data}',
      kind: 'bar',
      x: 'species',
      y: 'strikes',
      aggregate: 'sum',
      title: 'As the task wanted it',
    },
    approval: 'required',
  };
  return api.post('/api/chat/send', {
    text,
    steps: [draw],
    inputs: [{ name: 'data', artifactId }],
  });
}
const stackOf = (page, text) => page.locator('.stack', { hasText: text }).first();

test('arguments are edited by the tool’s schema, and what changes is shown before it goes on', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { traceId } = await askToPlot(api, 'Plot with another title');
  const card = stackOf(page, 'Plot with another title').locator('aos-approval-card');
  await card.getByRole('button', { name: 'Edit arguments' }).click();
  const dialog = page.getByRole('dialog', { name: /Other arguments for skills\.viz\.plot/ });
  const goOn = dialog.getByRole('button', { name: 'Continue with changes' });
  await goOn.waitFor();
  await comesTo(() => goOn.isDisabled(), true);
  await dialog
    .getByLabel(/^title/i)
    .first()
    .fill('As the operator wanted it');
  await dialog.locator('aos-difference', { hasText: 'As the operator wanted it' }).waitFor();
  await dialog.getByLabel(/Comment/).fill('a better title');
  await goOn.click();
  await card.locator('[data-testid=decided]', { hasText: 'Continued' }).waitFor();
  await stackOf(page, 'Plot with another title').locator('aos-event-card aos-state.done').waitFor();
  const { toolCalls, approvals } = await api.get(`/api/episodes/${traceId}`);
  assert.equal(toolCalls.at(-1).args.title, 'As the operator wanted it');
  assert.equal(approvals[0].comment, 'a better title');
  assert.deepEqual(faults, []);
  await close();
});

test('a decision in one tab is over in the other at once', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const second = await page.context().newPage();
  await second.goto('/console/chat');
  await second.waitForSelector('.live.live');
  await askToPlot(api, 'Seen by two tabs');
  const here = stackOf(page, 'Seen by two tabs').locator('aos-approval-card');
  const there = stackOf(second, 'Seen by two tabs').locator('aos-approval-card');
  await Promise.all([here.locator('article').waitFor(), there.locator('article').waitFor()]);
  await here.getByRole('button', { name: 'Abort' }).click();
  await there.locator('[data-testid=decided]', { hasText: 'Aborted' }).waitFor();
  await close();
});

test('the inbox holds what waits and what was decided, from every room', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  await askToPlot(api, 'Decided from the inbox');
  await stackOf(page, 'Decided from the inbox').locator('aos-approval-card article').waitFor();
  await page.goto('/console/projects');
  await page.waitForSelector('.live.live');
  await page.locator('main').press('i');
  const inbox = page.locator('aos-inbox');
  const section = inbox.locator('section', { hasText: 'Decided from the inbox' });
  await section.getByRole('button', { name: 'Add comment' }).click();
  await section.getByPlaceholder(/Comment/).fill('not like this');
  await section.getByRole('button', { name: 'Degrade' }).click();
  await section.waitFor({ state: 'detached' });
  await inbox.getByRole('button', { name: 'Decided' }).click();
  await inbox.locator('section', { hasText: 'not like this' }).waitFor();
  await page.keyboard.press('Escape');
  await inbox.waitFor({ state: 'detached' });
  await close();
});

test('a burst is one stack that opens in place, and older tasks come from the server', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const steps = Array.from({ length: 14 }, (_, n) => ({
    id: `profile-${n}`,
    tool: 'skills.csv.profile',
    args: { file: '${inputs.data}' },
    ...(n > 0 && { needs: [`profile-${n - 1}`] }),
  }));
  const { traceId } = await api.post('/api/run', {
    goal: 'Fourteen steps',
    steps,
    inputs: [{ name: 'data', artifactId }],
  });
  const stack = stackOf(page, 'Fourteen steps');
  await stack.locator('aos-event-card aos-state.done').waitFor({ timeout: 60_000 });
  const { events } = await api.get(`/api/episodes/${traceId}`);
  const told = events.filter(({ type }) => /^(task|approval|anomaly|recovery)\./.test(type)).length;
  const more = stack.locator('.more');
  await stack.getByText(`+${told - 3} more`).waitFor();
  await more.click();
  await stack.getByText('Show fewer').waitFor();
  await comesTo(() => stack.locator('aos-event-card').count(), told);
  await more.click();
  await stack.getByText(`+${told - 3} more`).waitFor();

  // The pointer is in the stream: that another task has come is said over it, and moves nothing.
  const top = () =>
    page
      .locator('.stack')
      .first()
      .evaluate(({ offsetTop }) => offsetTop);
  const before = await top();
  await more.hover();
  await api.post('/api/run', {
    goal: 'One step meanwhile',
    steps: steps.slice(0, 1),
    inputs: [{ name: 'data', artifactId }],
  });
  await page.locator('aos-value-stream .news').waitFor();
  assert.equal(await top(), before);

  // As if the page had been opened long after: the stream brings nothing, and the server is asked for what it has.
  await page.routeWebSocket(/\/agent\/events$/, (socket) => {
    socket.onMessage(() => socket.send(JSON.stringify({ op: 'ready', seq: 0 })));
  });
  await page.goto('/console/chat');
  await stackOf(page, 'Fourteen steps').waitFor();
  await close();
});

test('keyboard alone: written, sent, approved with a comment, result and trace opened', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  await api.post('/api/chat/send', {
    text: 'By keyboard alone',
    steps: plan,
    inputs: [{ name: 'data', artifactId }],
  });
  const card = stackOf(page, 'By keyboard alone').locator('article').first();
  await card.waitFor();
  const tabTo = async (target) => {
    await target.waitFor();
    const isThere = () =>
      target.evaluate((el) => el.matches(':focus') || document.activeElement.textContent.trim());
    if ((await isThere()) !== true) await keyTo(page, isThere, { wanted: target });
  };
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('i');
  await hasFocus(page.locator('aside.drawer'));
  const section = page.locator('aos-inbox section', { hasText: 'By keyboard alone' });
  await tabTo(section.getByRole('button', { name: 'Add comment' }));
  await page.keyboard.press('Enter');
  await tabTo(section.getByPlaceholder(/Comment/));
  await page.keyboard.type('looked at it');
  await tabTo(section.getByRole('button', { name: 'Continue' }));
  await page.keyboard.press('Enter');
  await section.waitFor({ state: 'detached' });
  await page.keyboard.press('Escape');
  await page
    .locator('.stack', { hasText: 'By keyboard alone' })
    .locator('aos-state.done')
    .first()
    .waitFor();
  await page.keyboard.press('Control+k');
  await hasFocus(page.locator('aos-palette input'));
  await page.keyboard.type('by keyboard');
  await page.getByRole('option', { name: 'By keyboard alone' }).first().waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/(chat|projects\/runs)\//);
  await close();
});
