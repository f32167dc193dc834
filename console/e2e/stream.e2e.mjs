import { test } from 'node:test';
import { asPerson, comesTo, csv, signIn, succeeds, tryNow, useBrowser } from './harness.mjs';

const browser = useBrowser();

test('a line that was cut loses no card and shows none twice', async () => {
  const { page, close } = await browser.open();
  let isCut = false;
  let line;
  await page.routeWebSocket(/\/agent\/events$/, (socket) => {
    if (isCut) return void socket.close({ code: 1001, reason: 'cut' });
    line = socket;
    socket.connectToServer();
  });
  await signIn(page);
  const api = await asPerson(page);
  const { artifactId } = await api.upload('data.csv', csv);
  const run = (goal) =>
    api.post('/api/run', {
      goal,
      inputs: [{ name: 'data', artifactId }],
      steps: [{ id: 'profile', tool: 'skills.csv.profile', args: { file: '${inputs.data}' } }],
    });
  await run('Before the cut');
  await page.locator('.stack', { hasText: 'Before the cut' }).waitFor();

  isCut = true;
  await line.close({ code: 1001, reason: 'cut' });
  await page.locator('[data-testid=lost]').waitFor();
  await comesTo(() => page.locator('[data-testid=lost]').innerText(), /The work goes on/);
  const { jobId, traceId } = await run('During the cut');
  await succeeds(api, jobId);

  isCut = false;
  await tryNow(page);
  await page.locator('[data-testid=lost]').waitFor({ state: 'detached' });
  const stack = page.locator('.stack', { hasText: 'During the cut' });
  await stack.locator('aos-event-card aos-state.done').waitFor();
  const { events } = await api.get(`/api/episodes/${traceId}`);
  const told = events.filter(({ type }) => /^(task|approval|anomaly|recovery)\./.test(type));
  if (told.length > 4) await stack.locator('.more').click();
  await comesTo(() => stack.locator('aos-event-card').count(), told.length);
  await comesTo(() => page.locator('.stack', { hasText: 'Before the cut' }).count(), 1);
  await close();
});
