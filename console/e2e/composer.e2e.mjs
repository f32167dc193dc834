import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, comesTo, csv, signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();
const strikes = { name: 'strikes.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) };

/** Its size stands there once it has arrived; before that nothing can be sent. */
async function attach(page) {
  await page.setInputFiles('input[type=file]', strikes);
  await page.locator('aos-file-chips li', { hasText: /strikes\.csv.*kB/s }).waitFor();
}
/** In the place of all that the editor holds. */
async function writeSteps(page, steps) {
  await page.locator('aos-code-editor .cm-content').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(
    typeof steps === 'string' ? steps : JSON.stringify(steps, null, 2),
  );
}
const faultLines = (page) =>
  page.locator('aos-code-editor').evaluate((editor) => {
    const { shadowRoot } = editor.querySelector('.place');
    const numbers = [...shadowRoot.querySelectorAll('.cm-lineNumbers .cm-gutterElement')].slice(1);
    const tops = new Map(
      numbers.map((n) => [Math.round(n.getBoundingClientRect().top), n.textContent]),
    );
    return [...shadowRoot.querySelectorAll('.cm-lint-marker-error')].map((mark) => {
      const { top } = mark.closest('.cm-gutterElement').getBoundingClientRect();
      return Number(tops.get(Math.round(top)));
    });
  });
async function faultsAt(page, lines) {
  const until = Date.now() + 20_000;
  let seen;
  do {
    seen = await faultLines(page);
    if (JSON.stringify(seen) === JSON.stringify(lines)) return;
    await page.evaluate(() => new Promise(requestAnimationFrame));
  } while (Date.now() < until);
  assert.deepEqual(seen, lines);
}

test('steps show their faults in the margin, and are sent once they have none', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  await attach(page);
  await page.getByRole('switch', { name: 'Steps' }).click();
  await page.locator('aos-code-editor .cm-content').waitFor();
  await writeSteps(page, [
    { id: 'a', tool: 'skills.csv.profile', args: { file: '${inputs.strikes}' }, needs: ['b'] },
    { id: 'b', tool: 'skills.csv.nope', args: {}, needs: ['a'] },
  ]);
  // The circle at the first `needs`, the tool that nobody has at its own line.
  await faultsAt(page, [8, 14]);
  await comesTo(() => page.getByTestId('dsl-faults').innerText(), /2/);

  // JSON that is none says so itself, and nothing can be sent.
  await writeSteps(page, '[{ "id": "a", ]');
  await page.locator('.cm-lint-marker-error').waitFor();
  await comesTo(() => page.getByRole('button', { name: 'Send' }).isDisabled(), true);

  await writeSteps(page, [
    { id: 'a', tool: 'skills.csv.profile', args: { file: '${inputs.strikes}' } },
  ]);
  await page.getByTestId('dsl-faults').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await page.locator('aos-task-line', { hasText: 'Done' }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('what only the server knows of a plan lands at its line', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await page.route('**/mcp/tools*', (route) =>
    route.fulfill({ json: { items: [], nextCursor: null } }),
  );
  await page.reload();
  await page.waitForSelector('#goal');
  await page.getByRole('switch', { name: 'Steps' }).click();
  await page.locator('aos-code-editor .cm-content').waitFor();
  await writeSteps(page, [
    { id: 'a', tool: 'skills.text.report', args: { title: 'x', sections: [] } },
    { id: 'b', tool: 'skills.csv.nope', args: {} },
  ]);
  await page.keyboard.press('Control+Enter');
  await page.locator('aos-problem').waitFor();
  await comesTo(async () => (await faultLines(page)).includes(12), true);
  await close();
});

test('completion knows tools, keys and references', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await attach(page);
  await page.getByRole('switch', { name: 'Steps' }).click();
  const editor = page.locator('aos-code-editor .cm-content');
  await editor.waitFor();
  const offered = page.locator('aos-code-editor .cm-tooltip-autocomplete li');
  await editor.click();
  await page.keyboard.type('[{"id": "a", "tool": "csv.pro');
  await offered.filter({ hasText: 'skills.csv.profile' }).first().click();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.type(', "ar');
  await offered.filter({ hasText: 'args' }).first().waitFor();
  await page.keyboard.press('Escape');
  await writeSteps(page, '[{"id": "a", "tool": "skills.csv.profile", "args": {"file": ""}}]');
  for (let n = 0; n < 4; n += 1) await page.keyboard.press('ArrowLeft');
  await page.keyboard.type('${inp');
  await offered.filter({ hasText: 'inputs.strikes' }).first().click();
  await page.getByTestId('dsl-faults').waitFor({ state: 'detached' });
  await comesTo(() => editor.innerText(), /\$\{inputs\.strikes\}/);
  await close();
});

test('a slash offers skills, an at sign agents, and the sentence is understood', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const name = `analyst-${Date.now()}`;
  const config = { prompt: '', sop: [], tools: ['skills.*'] };
  const { id } = await api.post('/agents', { name, type: 'local', config });
  await api.post(`/agents/${id}/start`, {});
  await page.reload();
  await page.waitForSelector('#goal');
  await attach(page);
  await page.locator('#goal').pressSequentially('/prof');
  await page.getByRole('option', { name: /csv\.profile/ }).waitFor();
  await page.keyboard.press('Enter');
  await comesTo(() => page.inputValue('#goal'), 'profile strikes.csv');
  await page.locator('#goal').pressSequentially(` @${name.slice(0, 12)}`);
  await page.getByRole('option', { name }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name }).waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await page.locator('.message .said', { hasText: 'profile strikes.csv' }).waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a draft waits in its conversation, and what was said comes back with the arrow', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await attach(page);
  await page.fill('#goal', 'profile strikes.csv');
  // Kept as soon as it is drawn; a page that is left before that takes it along.
  await page.waitForFunction(() =>
    Object.values(window.sessionStorage).some((kept) => kept.includes('profile strikes.csv')),
  );
  await page.goto('/console/projects');
  await page.waitForURL(/projects/);
  await page.goto('/console/chat');
  await page.waitForSelector('#goal');
  await comesTo(() => page.inputValue('#goal'), 'profile strikes.csv');
  await page.locator('aos-file-chips li', { hasText: 'strikes.csv' }).waitFor();
  await page.press('#goal', 'Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await comesTo(() => page.inputValue('#goal'), '');
  await page.press('#goal', 'ArrowUp');
  await comesTo(() => page.inputValue('#goal'), 'profile strikes.csv');
  await page.fill('#goal', 'half a thought');
  await page.getByRole('link', { name: 'New conversation' }).first().click();
  await page.waitForURL(/\/chat$/);
  await comesTo(() => page.inputValue('#goal'), '');
  await page.goBack();
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await comesTo(() => page.inputValue('#goal'), 'half a thought');
  await close();
});

test('an upload can be cancelled and, when refused, tried again', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  let answer = 'hold';
  await page.route('**/api/artifacts', (route) =>
    answer === 'hold' ? undefined : answer === 'fail' ? route.abort() : route.continue(),
  );
  await page.setInputFiles('input[type=file]', strikes);
  await page.getByRole('button', { name: 'Cancel the upload of strikes.csv' }).click();
  await page.locator('aos-file-chips li').first().waitFor({ state: 'detached' });
  answer = 'fail';
  await page.setInputFiles('input[type=file]', strikes);
  const again = page.getByRole('button', { name: 'Upload strikes.csv again' });
  await again.waitFor();
  answer = 'go on';
  await again.click();
  await page.locator('aos-file-chips li', { hasText: 'kB' }).waitFor();
  await close();
});
