import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  csv,
  fits,
  letIn,
  seriousFaults,
  signIn,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();
const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

/** Writes into a CodeMirror, as a person would: all of it anew. */
async function write(page, label, text) {
  // The plain box that stands there until CodeMirror has come is not the one to write into.
  const box = page.locator(`.cm-content[aria-label="${label}"]`);
  await box.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
}

test('an agent is made from a template, started, run, followed, changed and rolled back', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const { get, post, upload } = await asPerson(page);
  await page.goto('/console/agents');
  await press(page, 'Create agent');
  await page.fill('#new-name', 'No good');
  await press(page, 'Next');
  await page.locator('.fault', { hasText: 'A small letter' }).waitFor();
  await page.fill('#new-name', 'profiler');
  await page.getByRole('radio', { name: /^Blank/ }).check();
  await press(page, 'Next');
  await write(page, 'Prompt', 'Look before you leap.');
  await write(page, 'Standard way of work', '[{"id":"look"');
  await page.getByText('Not JSON yet.').waitFor();
  await comesTo(() => page.getByRole('button', { name: 'Next', exact: true }).isDisabled(), true);
  await write(
    page,
    'Standard way of work',
    JSON.stringify([{ id: 'look', tool: 'skills.csv.profile', args: { file: '${inputs.data}' } }]),
  );
  await press(page, 'Next');
  await page.getByRole('checkbox', { name: 'skills.*' }).check();
  assert.deepEqual(await seriousFaults(page), [], 'tools');
  await press(page, 'Next');
  await press(page, 'Next');
  await page.getByText('skills.csv.profile').first().waitFor();
  await press(page, 'Create');
  await page.waitForURL(/\/agents\/profiler$/);
  await page.locator('header').getByText('Stopped').waitFor();

  await press(page, 'Start');
  await page.locator('header').getByText('Running').waitFor();
  await press(page, 'One replica more');
  await press(page, 'One replica more');
  await press(page, 'One replica fewer');
  await comesTo(async () => (await get('/agents/profiler')).replicas, 2);
  const data = (await upload('data.csv', csv)).artifactId;
  await post('/api/run', {
    goal: 'Profile the file',
    agentId: 'profiler',
    inputs: [{ name: 'data', artifactId: data }],
  });
  await page.locator('[data-row]').getByText('Done').waitFor();
  await page.getByText('100 %').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'overview');

  await page.getByRole('tab', { name: 'Logs' }).click();
  const log = page.getByRole('log');
  await log.getByText('task.receipt').waitFor();
  // It has scrolled out of sight by now.
  await log.getByText('ordered it to start').waitFor({ state: 'attached' });
  await press(page, 'Pause');
  await post('/agents/profiler/stop', {});
  await press(page, 'Go on (1 new)');
  await log.getByText('ordered it to stop').waitFor();
  await press(page, 'Error');
  await page.getByText('No lines of this level.').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'logs');
  await press(page, 'Debug');

  await page.getByRole('tab', { name: 'Prompt and SOP' }).click();
  await write(page, 'Prompt', 'Leap before you look.');
  await press(page, 'See what changes');
  await page.getByTestId('changed-lines').waitFor();
  await page.fill('#version-comment', 'bolder');
  await press(page, 'Save new version');
  await page.locator('header').getByText('version 2').waitFor();
  await comesTo(() => page.getByText('Changes that are not saved').count(), 0);

  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByText('bolder').waitFor();
  await page.getByText('Between version 1 and version 2').waitFor();
  await press(page, 'Roll back');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Look before you leap.').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'roll back');
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await page.locator('header').getByText('version 1').waitFor();
  await page.getByRole('button', { name: 'Release', exact: true }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a change against a version that is gone is refused in words, and nothing is overwritten', async () => {
  const { page, close } = await browser.open();
  await letIn(page);
  const { post, get } = await asPerson(page);
  await post('/agents', { name: 'shared', template: 'blank' });
  await page.goto('/console/agents/shared?tab=prompt');
  await write(page, 'Prompt', 'Mine.');
  await page.getByText('Changes that are not saved').waitFor();
  const other = await browser.open();
  await signIn(other.page);
  await other.page.goto('/console/agents/shared?tab=prompt');
  await write(other.page, 'Prompt', 'Theirs.');
  await press(other.page, 'See what changes');
  await press(other.page, 'Save new version');
  await other.page.locator('header').getByText('version 2').waitFor();
  await other.close();
  await page.locator('header').getByText('version 2').waitFor();
  await press(page, 'See what changes');
  await press(page, 'Save new version');
  await page.getByText('Someone has changed this meanwhile').waitFor();
  assert.equal((await get('/agents/shared')).config.prompt, 'Theirs.');
  await page.keyboard.press('Escape');
  await press(page, 'Undo');
  await page.getByText('Theirs.').waitFor();
  await close();
});

test('an agent becomes a tool of others and is taken out again; a copy begins as it is', async () => {
  const { page, faults, close } = await browser.open({ language: 'zh', theme: 'dark' });
  await letIn(page);
  const { post, get } = await asPerson(page);
  await post('/agents', { name: 'helper', config: { prompt: 'Help.', tools: ['env.*'] } });
  await page.goto('/console/agents/helper');
  await press(page, '注册到网关');
  await page.getByText('agent-helper').waitFor();
  assert.equal((await get('/mcp/tools?server=agent-helper')).items.length, 1);
  await press(page, '从网关移除');
  await page.getByRole('button', { name: '注册到网关' }).waitFor();
  await press(page, '克隆');
  await page.waitForSelector('#new-name');
  await comesTo(() => page.inputValue('#new-name'), 'helper-copy');
  for (let step = 0; step < 4; step += 1) await press(page, '下一步');
  assert.deepEqual(await seriousFaults(page), [], 'review');
  await press(page, '创建');
  await page.waitForURL(/\/agents\/helper-copy$/);
  assert.deepEqual((await get('/agents/helper-copy')).config.tools, ['env.*']);
  assert.deepEqual(faults, []);
  await close();
});

test('a laptop shows the state of an agent in words, its load and its last error', async () => {
  const { page, close } = await browser.open({ width: 1280, height: 800 });
  await letIn(page);
  const { get, post } = await asPerson(page);
  if ((await get('/agents?limit=1')).items.length === 0)
    await post('/agents', { name: 'on-a-laptop', template: 'data-analyst' });
  await page.goto('/console/agents');
  await page.locator('[data-row]').first().waitFor();
  for (const name of ['State', 'Version', 'Running', 'Queued', 'Last error'])
    await page.getByRole('columnheader', { name, exact: true }).waitFor();
  await close();
});

test('a phone shows the agents and their parts without running over the edge', async () => {
  const { page, close } = await browser.open({ width: 390, height: 844 });
  await letIn(page);
  const { post } = await asPerson(page);
  await post('/agents', { name: 'pocket', template: 'data-analyst' });
  await page.goto('/console/agents');
  await page.locator('[data-row]').first().waitFor();
  for (const tab of ['overview', 'prompt', 'tools', 'environment', 'versions', 'logs']) {
    await page.goto(`/console/agents/pocket?tab=${tab}`);
    await page.locator('#agent-part').waitFor();
    await fits(page, tab);
  }
  await close();
});
