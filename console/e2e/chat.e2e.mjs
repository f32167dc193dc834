import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  csv,
  fits,
  letIn,
  plan,
  signIn,
  succeeds,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

test('a goal with a file becomes a conversation with a task that lives', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  await page.setInputFiles('input[type=file]', {
    name: 'strikes.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(csv),
  });
  await page.fill('#goal', 'profile strikes.csv');
  await page.locator('aos-file-chips li', { hasText: 'kB' }).waitFor();
  await page.press('#goal', 'Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await page.locator('.message .said', { hasText: 'profile strikes.csv' }).waitFor();
  await page.locator('aos-task-line').waitFor();
  await comesTo(() => page.inputValue('#goal'), '');
  assert.deepEqual(faults, []);
  await close();
});

test('the acceptance task: asked, approved, done, and its results open by themselves', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const { conversationId, jobId, traceId } = await api.post('/api/chat/send', {
    text: 'Clean data.csv and plot it by species',
    steps: plan,
    inputs: [{ name: 'data', artifactId }],
  });

  // Live, on a page that was open before: nobody reloads.
  const stack = page
    .locator('.stack', { hasText: 'Clean data.csv and plot it by species' })
    .first();
  const card = stack.locator('aos-approval-card article');
  await card.waitFor();
  await comesTo(() => card.innerText(), /skills\.csv\.clean/);
  await comesTo(() => page.title(), /^\(\d+\)/);

  await page.goto(`/console/chat/${conversationId}`);
  await card.getByRole('button', { name: 'Continue' }).click();
  await page.locator('aos-task-line', { hasText: 'Done' }).waitFor();
  // The first result is on show since it was made, and nothing that came later took its place.
  await page.locator('aos-table-view [role=row]').nth(5).waitFor();
  await page
    .getByRole('tab', { name: /\.(svg|png)$/ })
    .first()
    .click();
  const picture = page.locator('aos-workspace img');
  await comesTo(() => picture.evaluate((img) => img.naturalWidth > 300), true);

  await page
    .getByRole('tab', { name: /\.csv$/ })
    .first()
    .click();
  await page.locator('aos-table-view [role=row]').nth(5).waitFor();

  await page.locator('aos-task-line a').click();
  await page.waitForURL(new RegExp(`/projects/runs/${traceId}`));
  await page.locator('aos-plan-graph [data-step]').nth(2).waitFor();
  await page.getByRole('tab', { name: 'Tool calls' }).click();
  await page.locator('.body [role=row]', { hasText: 'csv.clean' }).waitFor();
  await page.getByRole('tab', { name: 'Trace' }).click();
  await page.locator('aos-waterfall .row').first().waitFor();
  await succeeds(api, jobId);

  await page.getByRole('button', { name: 'Rerun' }).click();
  await page.waitForURL((url) => !url.pathname.endsWith(traceId));
  assert.deepEqual(faults, []);
  await close();
});

test('a decision made elsewhere folds the card here', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const { traceId } = await api.post('/api/chat/send', {
    text: 'Decided elsewhere',
    steps: plan,
    inputs: [{ name: 'data', artifactId }],
  });
  const stack = page.locator('.stack', { hasText: 'Decided elsewhere' });
  await stack.locator('aos-approval-card article').waitFor();
  const { items } = await api.get('/agent/approvals?status=pending');
  const { id } = items.find((approval) => approval.traceId === traceId);
  await api.post('/agent/approve', { approvalId: id, decision: 'abort', comment: 'not today' });
  await stack.locator('aos-approval-card article').waitFor({ state: 'detached' });
  await close();
});

test('a conversation is found, renamed and deleted', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const send = async (text) => {
    const { jobId } = await api.post('/api/chat/send', {
      text,
      steps: plan.slice(0, 1),
      inputs: [{ name: 'data', artifactId }],
    });
    await succeeds(api, jobId);
  };
  await send('The needle, once');
  await send('Only hay');
  await page.reload();
  const list = page.locator('aos-conversation-list');
  await list.getByRole('searchbox').fill('needle');
  await list.getByRole('link', { name: 'Only hay' }).waitFor({ state: 'detached' });
  await list.getByRole('link', { name: /The needle, once/ }).click();
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await list.getByRole('button', { name: 'Actions for The needle, once' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('The needle, found');
  await page.keyboard.press('Enter');
  await list.getByRole('link', { name: /The needle, found/ }).waitFor();
  await list.getByRole('button', { name: 'Actions for The needle, found' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await list.getByText('No conversation holds these words.').waitFor();
  await page.waitForURL(/\/chat$/);
  assert.deepEqual(faults, []);
  await close();
});

test('on a narrow screen, in Chinese: written, watched and decided', async () => {
  const { page, faults, close } = await browser.open({ language: 'zh', width: 390, height: 844 });
  await letIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const { conversationId } = await api.post('/api/chat/send', {
    text: '窄屏上的任务',
    steps: plan,
    inputs: [{ name: 'data', artifactId }],
  });
  await page.goto(`/console/chat/${conversationId}`);
  await page.locator('.message .said', { hasText: '窄屏上的任务' }).waitFor();
  await page.getByRole('button', { name: /动态/ }).first().click();
  const stack = page.locator('.stack', { hasText: '窄屏上的任务' });
  await stack.getByRole('button', { name: '继续' }).click();
  await stack.locator('aos-event-card aos-state.done').waitFor();
  // What the server says is said in Chinese: no sentence of the stream or the answer is left in English.
  await stack.locator('.sentence', { hasText: '步已完成' }).first().waitFor();
  for (const sentence of await stack.locator('.sentence').allInnerTexts())
    assert.match(sentence, /[\u4e00-\u9fff]/);
  await page.getByRole('button', { name: /成果/ }).first().click();
  await page.locator('aos-workspace [role=tab]').first().waitFor();
  await fits(page, 'results');
  await page.locator('.panes').getByRole('button', { name: '对话', exact: true }).click();
  await page.locator('.message.assistant', { hasText: '步已完成' }).waitFor();
  await fits(page, 'conversation');
  assert.deepEqual(faults, []);
  await close();
});
