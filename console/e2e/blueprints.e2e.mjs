import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  csv,
  fits,
  hasFocus,
  seriousFaults,
  signIn,
  untilEnded,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

const report = (id, title, more) => ({
  id,
  tool: 'skills.text.report',
  args: { title, sections: [{ heading: 'One', text: 'Text.' }] },
  ...more,
});
/** A project of its own, with a blueprint of these steps. */
async function setup(person, steps) {
  const project = `bp-${randomUUID().slice(0, 8)}`;
  await person.post('/projects', { id: project, name: `Blueprints ${project}` });
  if (!steps) return { project };
  const blueprint = await person.post(`/projects/${project}/blueprints`, { name: 'Weekly', steps });
  return { project, blueprint, path: `/console/projects/blueprints/${project}/${blueprint.id}` };
}
const fold = (page, id) => page.locator('aos-step-card .fold', { hasText: id });
const ids = (page) => page.locator('aos-step-card .fold strong').allInnerTexts();

test('a blueprint is written, its faults stand at its steps, and a run of it leads back to it', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const person = await asPerson(page);
  const { project } = await setup(person);
  await page.goto(`/console/projects/blueprints?project=${project}`);
  await page.getByText('No blueprints in this project yet.').waitFor();
  await page.getByRole('link', { name: 'New blueprint' }).first().click();
  await page.waitForURL(/\/new$/);
  await page.getByText('Give it a name, and it can be saved').waitFor();
  assert.equal(await page.getByText('Changes that are not saved').count(), 0);
  await page.getByLabel('Name', { exact: true }).first().fill('Strike report');
  await page.getByText('Changes that are not saved').waitFor();
  await page.getByRole('button', { name: 'Add an input' }).click();
  await hasFocus(page.locator('.input-row input').first());
  await page.locator('.input-row input').first().fill('strikes');
  await page.getByLabel('Kind of file').fill('text/csv');
  await page.getByLabel('Id', { exact: true }).fill('profile');
  await page.getByLabel('Tool', { exact: true }).fill('skills.csv.profile');
  await page.locator('aos-step-card').getByRole('button', { name: 'JSON' }).click();
  const args = page.locator('aos-step-card textarea');
  await args.fill('{ "file": "${inputs.strike}" }');
  await page.getByRole('button', { name: 'See what changes' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.getByText('there is no input "strike"').waitFor();
  await dialog.getByRole('button', { name: 'Go on writing' }).click();
  await page.locator('aos-step-card').getByText('there is no input "strike"').first().waitFor();
  await fold(page, 'profile').getByText('1 wrong').waitFor();
  assert.deepEqual(await seriousFaults(page), []);

  await args.fill('{ "file": "${inputs.strikes}" }');
  await page.getByRole('button', { name: 'See what changes' }).click();
  await dialog.getByLabel('Why, for whoever looks later').fill('The first');
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await page.waitForURL(/blueprints\/bp-[^/]*\/[0-9a-f-]{36}$/);
  await page.getByRole('heading', { name: 'Strike report' }).waitFor();

  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForURL(/open=run/);
  assert.equal(await dialog.getByRole('button', { name: 'Run', exact: true }).isDisabled(), true);
  await dialog.getByLabel('File for strikes').setInputFiles({
    ...{ name: 'notes.txt', mimeType: 'text/plain' },
    buffer: Buffer.from('not a table'),
  });
  await dialog.getByText('notes.txt').waitFor();
  await dialog.getByRole('button', { name: 'Run', exact: true }).click();
  await dialog.getByText('is to be text/csv').first().waitFor();
  await dialog.getByLabel('File for strikes').setInputFiles({
    ...{ name: 'strikes.csv', mimeType: 'text/csv' },
    buffer: Buffer.from(csv),
  });
  await dialog.getByText('strikes.csv').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await dialog.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForURL(/\/projects\/runs\//);
  const { items } = await person.get(`/jobs?projectId=${project}`);
  assert.equal((await untilEnded(person, items[0].id)).status, 'succeeded');
  await page.getByRole('link', { name: 'Strike report · version 1' }).click();
  await page.waitForURL(/tab=versions/);
  await page.getByText('The first').waitFor();

  // Once, though the name of the project comes after its list may have been asked for.
  const lists = [];
  page.on('request', (request) => {
    if (request.url().includes(`/projects/${project}/blueprints?`)) lists.push(request.url());
  });
  await page.goto(`/console/projects/blueprints?project=${project}`);
  await page.locator('main [data-row]', { hasText: 'Strike report' }).waitFor();
  await page.locator('#blueprints-project option', { hasText: `Blueprints ${project}` }).waitFor({
    state: 'attached',
  });
  const asked = lists.filter((url) => !url.includes('/console/'));
  assert.equal(asked.length, 1, asked.join());
  assert.deepEqual(faults, []);
  await close();
});

test('steps are moved by key, and what somebody else saved meanwhile costs nobody anything', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const person = await asPerson(page);
  const { project, blueprint, path } = await setup(person, [
    report('one', 'One'),
    report('two', 'Two', { needs: ['one'] }),
    report('three', 'Three'),
  ]);
  await page.goto(path);
  await fold(page, 'two').focus();
  await page.keyboard.press('Alt+ArrowDown');
  await comesTo(() => ids(page), ['one', 'three', 'two']);
  await hasFocus(fold(page, 'two'));
  await page.getByText('two is step 3 of 3 now').waitFor();
  await page.getByRole('button', { name: 'Move three up' }).click();
  await comesTo(() => ids(page), ['three', 'one', 'two']);

  await page.getByRole('tab', { name: 'Order' }).click();
  await page.waitForURL(/tab=order/);
  await page.locator('aos-plan-graph').getByRole('button', { name: /two/ }).click();
  await page.locator('aos-step-card .fields').waitFor();
  assert.equal(await fold(page, 'two').getAttribute('aria-expanded'), 'true');

  // Somebody else, in a second tab.
  await person.patch(
    `/projects/${project}/blueprints/${blueprint.id}`,
    { description: 'From the second tab', comment: 'Second tab' },
    1,
  );
  await page.getByRole('button', { name: 'See what changes' }).click();
  const dialog = page.locator('dialog[open]');
  const save = dialog.getByRole('button', { name: 'Save', exact: true });
  if (await save.isVisible()) await save.click(); // or it has been told of before it was tried
  await dialog.getByText('saved version 2 while you were writing').waitFor();
  await dialog.getByText('From the second tab').first().waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await dialog.getByRole('button', { name: 'Go on with mine' }).click();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  const kept = await person.get(`/projects/${project}/blueprints/${blueprint.id}`);
  assert.deepEqual([kept.version, kept.steps.map(({ id }) => id)], [3, ['three', 'one', 'two']]);

  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.getByRole('heading', { name: 'Between version 2 and version 3' }).waitFor();
  await page.locator('aos-difference .lines').first().waitFor();
  await page
    .locator('li', { hasText: 'version 1' })
    .getByRole('button', { name: 'Restore' })
    .click();
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await page.locator('li', { hasText: 'version 4' }).waitFor();
  await page.getByRole('tab', { name: 'Steps' }).click();
  await comesTo(() => ids(page), ['one', 'two', 'three']);
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('textbox').fill('Weekly');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(new RegExp(`/projects/blueprints\\?project=${project}`));
  await page.getByText('No blueprints in this project yet.').waitFor();
  assert.deepEqual(
    faults.filter((fault) => !/412/.test(fault)),
    [],
  );
  await close();
});

test('a viewer reads it, also on a phone, and is offered nothing that could only be refused', async () => {
  const admin = await browser.open();
  await signIn(admin.page);
  const person = await asPerson(admin.page);
  const { path } = await setup(person, [
    report('one', 'A title of one’s own'),
    report('two', 'Two', { approval: 'required', needs: ['one'] }),
  ]);
  const viewer = {
    email: `reader-${Date.now()}@example.com`,
    ...{ name: 'Reader', password: 'a long enough password', role: 'viewer' },
  };
  await person.post('/rbac/users', viewer);
  await admin.close();

  const { page, faults, close } = await browser.open({ width: 390, height: 844 });
  // Not by `signIn`, which waits for where a task is written: a viewer has none.
  await page.context().request.post('/auth/login', {
    data: { email: viewer.email, password: viewer.password },
  });
  await page.goto(path);
  await page.getByText('Ask a person first').waitFor();
  await page.getByText('A title of one’s own').waitFor();
  assert.equal(await page.locator('main :is(input, textarea, select)').count(), 0);
  for (const name of ['Run', 'Delete', 'Save'])
    assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0);
  await fits(page, 'A blueprint');
  assert.deepEqual(await seriousFaults(page), []);
  // The order in lines that a finger meets: as a graph it would be too small to read.
  await page.getByRole('tab', { name: 'Order' }).click();
  const line = page.locator('aos-plan-list').getByRole('button', { name: 'two' });
  await line.getByText('After one').waitFor();
  assert.ok((await line.boundingBox()).height >= 44);
  assert.equal(await page.locator('aos-plan-graph').isVisible(), false);
  await fits(page, 'The order');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await page.locator('li', { hasText: 'version 1' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Restore' }).count(), 0);
  assert.deepEqual(faults, []);
  await close();
});
