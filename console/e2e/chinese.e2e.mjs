/** What the server and its tools say of a failure, in a console that is in Chinese: by its code, and not in English. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolWords } from '../src/app/i18n/tool-words.zh.ts';
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

test('the tools that come with AOS say in Chinese what they are, each word of them', async () => {
  const { page, faults } = await browser.open({ language: 'zh', height: 1600 });
  await signIn(page);
  const api = await asPerson(page);
  const own = ({ server }) => server === 'env' || server === 'skills';
  const tools = (await api.get('/mcp/tools?limit=200')).items.filter(own);
  const servers = (await api.get('/mcp/registry?limit=200')).items.filter(({ name }) =>
    own({ server: name }),
  );
  const says = [...new Set([...servers, ...tools].flatMap(saidBy))];
  assert.deepEqual(says.toSorted(), Object.keys(toolWords).toSorted());

  await page.goto('/console/integrations?view=tools');
  const last = toolWords[tools.at(-1).description];
  await page.getByText(last).waitFor();
  const list = await page.locator('main').innerText();
  for (const { title, description } of tools) {
    assert.ok(list.includes(toolWords[title]) && list.includes(toolWords[description]), title);
    assert.ok(!list.includes(description), description);
  }
  await page.goto('/console/integrations/skills/csv.clean');
  await page.getByText(toolWords['Clean a CSV file']).waitFor();
  await page.getByText(toolWords['Found out from the file when absent']).first().waitFor();
  assert.deepEqual(faults, []);
});

/** Title and description, and those of the arguments, however deep. */
function saidBy({ title, description, inputSchema }) {
  const within = (node) =>
    node === null || typeof node !== 'object'
      ? []
      : [
          ...(typeof node.description === 'string' ? [node.description] : []),
          ...Object.values(node).flatMap(within),
        ];
  return [title, description].filter(Boolean).concat(within(inputSchema));
}
