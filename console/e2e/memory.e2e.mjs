import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, comesTo, fits, seriousFaults, signIn, useBrowser } from './harness.mjs';
import { visit } from './tour.mjs';

const browser = useBrowser();

async function openPart(page, part, query = '') {
  await page.goto(`/console/memory/${part}${query}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
}

test('a fact is remembered, found by a Chinese word, changed with its difference and forgotten', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'items');
  await page.getByRole('button', { name: 'Remember something' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('About').fill('周报');
  await dialog.getByLabel('What', { exact: true }).fill('每周一上午九点发送给运营团队。');
  await dialog.getByRole('button', { name: 'Remember', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });

  await page.getByRole('searchbox').fill('运营团队');
  await page.waitForURL(/q=/);
  await page.locator('mark', { hasText: '运营团队' }).waitFor();
  await page.getByRole('button', { name: '周报', exact: true }).click();
  await dialog.getByLabel('What', { exact: true }).fill('每周二上午九点发送给运营团队。');
  await dialog.getByText('Changed lines: 1').waitFor();
  await dialog.getByRole('button', { name: 'Save', exact: true }).click();
  // The difference in the dialog says it as well.
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('每周二上午九点').waitFor();

  const api = await asPerson(page);
  const remembered = await api.get('/memory/items?limit=100');
  const { id } = remembered.items.find(({ subject }) => subject === '周报');
  await page.getByRole('button', { name: 'Forget 周报' }).click();
  await dialog.getByRole('button', { name: 'Forget', exact: true }).click();
  await page.getByText('Nothing that is remembered fits.').waitFor();
  const { items } = await api.get(`/audit/logs?resource=memory:${id}`);
  assert.deepEqual(
    items.map(({ action }) => action),
    ['memory.delete', 'memory.change', 'memory.create'],
  );
  assert.deepEqual(faults, []);
  await close();
});

test('a variable of a project stands for a value or for a secret by its name', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  await api.post('/projects', { id: 'vars-e2e', name: 'Variables' });
  await openPart(page, 'vars', '?projectId=vars-e2e');
  await page.getByRole('button', { name: 'Add a variable' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('limit');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('12');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  const { items } = await api.get('/projects/vars-e2e/vars');
  assert.deepEqual([items[0].name, items[0].value], ['limit', 12]);

  await page.getByRole('button', { name: 'Edit limit' }).click();
  await dialog.getByRole('button', { name: 'Secret', exact: true }).click();
  await dialog.getByLabel('Name of the secret').fill('NOT_THERE');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('is not the name of a secret').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Delete limit' }).click();
  await dialog.getByRole('textbox').fill('limit');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('This project has no variables yet.').waitFor();
  await close();
});

test('the profile shows what changes and is kept', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await openPart(page, 'profile');
  await page.getByLabel('About me').fill(`I run operations ${Date.now()}.`);
  await page.getByText('Changed lines: 1').waitFor();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('status').getByText('Saved.').waitFor();
  const text = await page.getByLabel('About me').inputValue();
  await page.reload();
  await page.getByLabel('About me').waitFor();
  await comesTo(() => page.getByLabel('About me').inputValue(), text);
  await close();
});

for (const [language, theme, width] of [
  ['en', 'light', 1280],
  ['zh', 'dark', 390],
]) {
  test(`every part stands without a serious finding and fits (${language}, ${theme}, ${width})`, async () => {
    const { page, faults, close } = await browser.open({ language, theme, width });
    await signIn(page);
    for (const part of ['items', 'vars', 'profile']) {
      await visit(page, { path: `memory/${part}`, ready: 'main h1' });
      await fits(page, part);
      assert.deepEqual(await seriousFaults(page), [], part);
    }
    assert.deepEqual(faults, []);
    await close();
  });
}
