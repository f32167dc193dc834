import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();
let ollama;
let answer;
before(async () => {
  ollama = createServer((request, response) => {
    request.resume().on('end', () => answer(request, response));
  });
  await new Promise((listening) => ollama.listen(0, '127.0.0.1', listening));
});
after(() => ollama.close());

test('a model is set, tried, and what is wrong with it is told in its own words', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  await page.goto('/console/settings/system?edit=llm');
  const dialog = page.getByRole('dialog');
  const save = async () => {
    await dialog.getByRole('button', { name: 'Show what changes' }).click();
    await dialog.getByRole('button', { name: 'Save', exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await dialog.getByLabel('Provider').selectOption({ label: 'Ollama' });
  await dialog.getByLabel('Address').fill(`http://127.0.0.1:${ollama.address().port}`);
  await dialog.getByLabel('Model', { exact: true }).fill('tiny');
  await save();

  const card = page.locator('section', {
    has: page.getByRole('heading', { name: 'Language model' }),
  });
  const said = card.getByRole('status');
  const tryIt = card.getByRole('button', { name: 'Try Language model' });
  answer = (_, response) => response.writeHead(404).end('{"error":"model tiny not found"}');
  await tryIt.click();
  await said.getByText('model tiny not found').waitFor();
  answer = (_, response) =>
    response.end(
      JSON.stringify({
        ...{ model: 'tiny', created_at: '2026-11-28T00:00:00Z', done: true, done_reason: 'stop' },
        ...{ message: { role: 'assistant', content: '{"isReady":true}' } },
        ...{ prompt_eval_count: 20, eval_count: 3 },
      }),
    );
  await tryIt.click();
  await said.getByText(/tiny answered in .* with 20 tokens in and 3 out\./).waitFor();

  await page.getByRole('button', { name: 'Edit Language model' }).click();
  await dialog.getByLabel('Provider').selectOption({ label: 'None' });
  await save();
  await tryIt.waitFor({ state: 'detached' });
  assert.deepEqual(faults, []);
  await close();
});
