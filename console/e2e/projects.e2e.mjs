import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asPerson,
  comesTo,
  csv,
  fits,
  hasFocus,
  letIn,
  plan,
  seriousFaults,
  signIn,
  untilEnded,
  useBrowser,
} from './harness.mjs';

const browser = useBrowser();

const later = '2999-01-01T00:00:00Z';
/** A task that waits for its time: it costs nothing, and stands in lists. */
const scheduled = (goal, projectId) => ({ goal, projectId, scheduledAt: later });
const report = (title) => ({
  goal: `Report: ${title}`,
  steps: [
    {
      id: 'report',
      tool: 'skills.text.report',
      args: { title, sections: [{ heading: 'One', text: 'Text.' }] },
    },
  ],
});
const row = (page, text) => page.locator('.body [role=row]', { hasText: text });

test('a project is made, renamed and archived, and the scope is in the address', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  await page.goto('/console/projects/all');
  await page.getByRole('button', { name: 'New project' }).first().click();
  await page.getByLabel('Name').fill('Bird strikes 2026');
  await comesTo(() => page.getByLabel('Id').inputValue(), 'bird-strikes-2026');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.waitForURL(/project=bird-strikes-2026/);
  await page.getByText('No tasks in this project yet.').waitFor();

  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  await page.getByLabel('Name').fill('Strikes');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('heading', { name: 'Strikes' }).waitFor();

  await page.getByTestId('scope').click();
  await page.getByRole('menuitem', { name: 'All projects' }).click();
  await page.waitForURL((url) => !url.search.includes('project='));
  await page.getByTestId('scope').click();
  await page.getByRole('menuitem', { name: 'Strikes' }).click();
  await page.waitForURL(/project=bird-strikes-2026/);

  await page.getByRole('button', { name: 'Archive' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Archive' }).click();
  await page.getByText('Archived', { exact: true }).waitFor();
  await page.goto('/console/projects/all?archived=1');
  await row(page, 'Strikes').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  assert.deepEqual(faults, []);
  await close();
});

test('tasks are filtered in the address, a view of them follows the person, and rows come in live', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  await person.post('/projects', { id: 'lists', name: 'Lists' });
  for (let n = 0; n < 40; n += 1) await person.post('/api/run', scheduled(`Filler ${n}`, 'lists'));
  const { jobId } = await person.post('/api/run', { ...report('needle'), projectId: 'lists' });
  await untilEnded(person, jobId);

  await page.goto('/console/projects?project=lists');
  await row(page, 'Report: needle').waitFor();
  await page.getByRole('link', { name: 'Queued' }).click();
  await page.waitForURL(/status=queued(,|%2C)scheduled/);
  await row(page, 'Filler 39').waitFor();
  await comesTo(() => row(page, 'Report: needle').count(), 0);
  await page.getByRole('searchbox').fill('filler 7');
  await page.waitForURL(/text=filler(%20|\+)7/);
  await row(page, 'Filler 39').waitFor({ state: 'detached' });
  await row(page, 'Filler 7').waitFor();
  assert.deepEqual(await seriousFaults(page), []);

  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Save these filters' }).click();
  await page.getByLabel('Name').fill('The seventh');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.locator('dialog').waitFor({ state: 'detached' });
  await close();

  const other = await browser.open();
  await signIn(other.page);
  await other.page.goto('/console/projects');
  // Whatever other people have begun since.
  await other.page.locator('.body [role=row]').first().waitFor();
  await other.page.getByRole('button', { name: 'Views' }).click();
  await other.page.getByRole('menuitem', { name: 'The seventh' }).click();
  await other.page.waitForURL(/text=filler(%20|\+)7/);
  await row(other.page, 'Filler 7').waitFor();
  await comesTo(() => other.page.locator('.body [role=row]').count(), 1);

  // What arrives above is counted, and pushes nothing away.
  await other.page.goto('/console/projects?project=lists');
  await row(other.page, 'Filler 39').waitFor();
  await other.page.locator('.scroller').evaluate((box) => (box.scrollTop = 540));
  await row(other.page, 'Filler 20').waitFor();
  // Seen within the list, and both at once: what stands over that is not its doing.
  const place = () =>
    row(other.page, 'Filler 20').evaluate(
      (at) => at.getBoundingClientRect().y - at.closest('.scroller').getBoundingClientRect().y,
    );
  const before = await place();
  const again = await asPerson(other.page);
  await again.post('/api/run', scheduled('Newcomer', 'lists'));
  await other.page.getByRole('button', { name: '1 new' }).waitFor();
  await comesTo(async () => Math.abs((await place()) - before) <= 1 || 'it has moved', true);
  await other.page.getByRole('button', { name: '1 new' }).click();
  await row(other.page, 'Newcomer').waitFor();
  assert.deepEqual([...faults, ...other.faults], []);
  await other.close();
});

test('many tasks are cancelled at once by keyboard, and what cannot be done is told', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  await person.post('/projects', { id: 'bulk', name: 'Bulk' });
  const runs = [];
  for (let n = 0; n < 5; n += 1)
    runs.push(await person.post('/api/run', scheduled(`Doomed ${n}`, 'bulk')));
  const ids = runs.map(({ jobId }) => jobId);
  await page.goto('/console/projects?project=bulk');
  await row(page, 'Doomed 4').waitFor();
  for (let n = 0; n < 3; n += 1) {
    await page.keyboard.press('j');
    await page.locator('.row.active', { hasText: `Doomed ${4 - n}` }).waitFor();
    await page.keyboard.press('x');
    await page.getByText(`${n + 1} chosen`).waitFor();
    // Two of them can be compared, the earlier one first.
    const compare = page.getByRole('toolbar').getByRole('link', { name: 'Compare' });
    if (n !== 1) assert.equal(await compare.count(), 0);
    else
      assert.equal(
        await compare.getAttribute('href'),
        `/console/projects/runs/${runs[3].traceId}/compare?with=${runs[4].traceId}`,
      );
  }
  // Somebody else is quicker with one of them, through another door.
  await page.route(`**/jobs/${ids[4]}/cancel`, (route) =>
    route.fulfill({
      status: 409,
      contentType: 'application/problem+json',
      body: JSON.stringify({
        type: 'about:blank',
        title: 'The job has ended',
        status: 409,
        detail: 'It has ended already.',
        code: 'job_not_cancellable',
        traceId: 'x',
      }),
    }),
  );
  await page.getByRole('toolbar').getByRole('button', { name: 'Cancel 3' }).click();
  await page.locator('dialog').getByRole('button', { name: 'Cancel 3' }).click();
  await page.getByText('2 of 3 done, 1 failed').waitFor();
  await page.locator('dialog').getByText('It has ended already.').waitFor();
  await page.unroute(`**/jobs/${ids[4]}/cancel`);
  await page.locator('dialog').getByRole('button', { name: 'Try 1 again' }).click();
  await page.getByText('1 of 1 done, 0 failed').waitFor();
  await page.locator('dialog footer').getByRole('button', { name: 'Close' }).click();
  await row(page, 'Doomed 4').getByText('Cancelled').waitFor();
  await row(page, 'Doomed 2').getByText('Cancelled').waitFor();
  await row(page, 'Doomed 1').getByText('Scheduled').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a run lights up live, is played again, and run again', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  const file = await person.upload('strikes.csv', csv);
  const { jobId, traceId } = await person.post('/api/run', {
    goal: 'Watch this run',
    steps: plan,
    inputs: [{ name: 'data', artifactId: file.artifactId }],
  });
  await page.goto('/console/projects?text=Watch+this');
  await row(page, 'Watch this run').click();
  await page.getByRole('complementary').getByRole('link', { name: 'Open the run' }).click();
  await page.waitForURL(new RegExp(`/projects/runs/${traceId}`));
  const node = (id) => page.locator(`aos-plan-graph [data-step=${id}]`);
  await node('clean').getByText('Waiting for you').waitFor();
  await node('plot').getByText('To do').waitFor();
  assert.deepEqual(await seriousFaults(page), []);

  // The rest by keyboard: closer, all of it at once, and from the first step along what needs it to the detail of the second.
  await node('profile').focus();
  const size = async () => (await node('profile').boundingBox()).width;
  const before = await size();
  await page.keyboard.press('-');
  await comesTo(async () => (await size()) < before, true);
  await page.keyboard.press('+');
  await comesTo(size, before);
  await page.setViewportSize({ width: 1440, height: 380 });
  await page.keyboard.press('0');
  await page.getByRole('button', { name: 'Fit', pressed: true }).waitFor();
  const isInSight = async () => {
    const [graph, ...nodes] = await Promise.all(
      [page.locator('aos-plan-graph'), node('profile'), node('plot')].map((it) => it.boundingBox()),
    );
    return nodes.every(
      ({ x, y, width, height }) =>
        x >= graph.x &&
        y >= graph.y &&
        x + width <= graph.x + graph.width &&
        y + height <= graph.y + graph.height,
    );
  };
  await comesTo(isInSight, true);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press('ArrowRight');
  await hasFocus(node('clean'));
  await page.keyboard.press('Enter');
  await page.waitForURL(/step=clean/);
  // The address is there before the panel, which is what the key closes.
  await page.locator('aos-step-panel').getByText('Arguments').waitFor();
  await page.keyboard.press('Escape');
  await page.waitForURL((url) => !url.search.includes('step='));

  const { items } = await person.get('/agent/approvals?status=pending');
  const approval = items.find((each) => each.jobId === jobId);
  await person.post('/agent/approve', { approvalId: approval.id, decision: 'continue' });
  await node('plot').getByText('Done').waitFor();
  await page.getByTestId('run-state').getByText('Done').waitFor();

  await page.getByRole('tab', { name: 'Timeline' }).click();
  await page.waitForURL(/tab=timeline/);
  await page.locator('aos-timeline-view .bar.waiting').waitFor();
  for (const [tab, sight] of [
    ['Events', '.body [role=row] >> text=run.plan'],
    ['Logs', 'aos-run-log .line >> text=run.plan'],
    ['Tool calls', '.body [role=row] >> text=skills.csv.clean'],
    ['Audit', '.body [role=row] >> text=approval.decide'],
    ['Trace', 'aos-waterfall'],
  ]) {
    await page.getByRole('tab', { name: tab }).click();
    await page.locator(sight).first().waitFor();
    assert.deepEqual(await seriousFaults(page), [], tab);
  }

  await page.getByRole('tab', { name: 'Artifacts' }).click();
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.waitForURL(/at=0/);
  await page.getByText('No results yet.').first().waitFor();
  await page.getByRole('tab', { name: 'Plan' }).click();
  const slider = page.getByRole('slider', { name: 'Moment of the run' });
  await slider.focus();
  // One press is one moment at which something happened: up to the one that asked, and each is seen before the next.
  const { events } = await person.get(`/api/episodes/${traceId}`);
  const times = events.map(({ createdAt }) => Date.parse(createdAt));
  const asked = times[events.findIndex(({ type }) => type === 'approval.request')];
  for (let at = times[0]; at < asked;) {
    at = times.find((time) => time > at);
    await page.keyboard.press('ArrowRight');
    await comesTo(() => slider.inputValue(), String(at - times[0]));
  }
  const told = events.findLast(({ createdAt }) => Date.parse(createdAt) === asked);
  await page.locator('aos-replay-bar .said').getByText(told.summary).waitFor();
  await node('clean').getByText('Waiting for you').waitFor();
  await page.getByTestId('run-state').getByText('Waiting for you').waitFor();
  await page.reload();
  await node('clean').getByText('Waiting for you').waitFor();
  assert.deepEqual(await seriousFaults(page), []);
  await page.getByRole('button', { name: 'End the replay' }).click();
  await node('clean').getByText('Done').waitFor();

  await page.getByRole('button', { name: 'Rerun' }).click();
  await page.waitForURL(
    (url) => /\/projects\/runs\//.test(url.pathname) && !url.pathname.endsWith(traceId),
  );
  await node('clean').getByText('Waiting for you').waitFor();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByTestId('run-state').getByText('Cancelled').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('on a telephone, in Chinese, in the dark', async () => {
  const { page, faults, close } = await browser.open({
    language: 'zh',
    theme: 'dark',
    width: 390,
    height: 844,
  });
  await signIn(page);
  const person = await asPerson(page);
  const { jobId, traceId } = await person.post('/api/run', report('小屏'));
  await untilEnded(person, jobId);
  const isSound = async (what) => {
    await fits(page, what);
    assert.deepEqual(await seriousFaults(page), [], what);
  };
  await page.goto('/console/projects');
  await row(page, 'Report: 小屏').waitFor();
  await page.getByRole('link', { name: '已结束' }).waitFor();
  await isSound('the list');
  await row(page, 'Report: 小屏').click();
  await page.getByRole('link', { name: '打开运行详情' }).waitFor();
  await isSound('the panel');
  await page.goto(`/console/projects/runs/${traceId}`);
  await page.locator('aos-plan-list [data-step=report]').getByText('已完成').waitFor();
  await comesTo(() => page.locator('aos-plan-graph').isVisible(), false);
  const heights = (selector) =>
    page.locator(selector).evaluateAll((all) => all.map((it) => it.getBoundingClientRect().y));
  assert.equal(new Set(await heights('.title .orders > *')).size, 1, 'the orders are in one line');
  for (const tab of ['计划', '时间线', '成果', '事件', '日志', '工具调用', '审计']) {
    await page.getByRole('tab', { name: tab }).click();
    await isSound(tab);
    if (tab === '时间线')
      assert.deepEqual(await page.evaluate(runTogether), [], 'figures of the axis');
  }
  assert.deepEqual(faults, []);
  await close();
});

/** In the page: the figures of the timeline's axis that reach into the next one. */
function runTogether() {
  const shown = [...document.querySelectorAll('aos-timeline-view .axis span')]
    .map((it) => ({ text: it.textContent, box: it.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0);
  return shown.filter(({ box }, n) => box.right > shown[n + 1]?.box.left).map(({ text }) => text);
}
