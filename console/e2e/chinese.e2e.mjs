/** What the server and its tools say of a failure, in a console that is in Chinese: by its code, and not in English. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appears, asPerson, signIn, untilEnded, useBrowser } from './harness.mjs';

const browser = useBrowser();
const tag = Date.now().toString(36);

test('a tool that fails says why in Chinese, in the run, in its step and among the calls', async () => {
  const { page, faults } = await browser.open({ language: 'zh' });
  await signIn(page);
  const api = await asPerson(page);
  const file = `nowhere-${tag}.csv`;
  const { jobId, traceId } = await api.post('/api/run', {
    goal: `读取 ${tag}`,
    steps: [
      { id: 'read', tool: 'env.files.read', args: { path: file }, retries: 0 },
      { id: 'after', tool: 'env.files.stat', args: { path: file }, needs: ['read'] },
    ],
  });
  await untilEnded(api, jobId);
  const said = `工作区中没有“${file}”。`;
  const main = page.locator('main');

  await page.goto(`/console/projects/runs/${traceId}`);
  await appears(main.locator('.fault', { hasText: said }));
  await page.goto(`/console/projects/runs/${traceId}?tab=calls`);
  await main.locator('[role=row]', { hasText: 'env.files.read' }).click();
  await appears(page.locator('aos-side-panel .fault', { hasText: said }));

  await page.goto('/console/integrations/env?tab=calls');
  await appears(main.getByText(said).first());
  assert.ok(!(await page.locator('body').innerText()).includes(`There is no "${file}"`));
  assert.deepEqual(faults, []);
});
