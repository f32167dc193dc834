import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, comesTo, fits, letIn, seriousFaults, succeeds, useBrowser } from './harness.mjs';

const browser = useBrowser();

const goal = 'Write the note to compare';
const note = (text, ...more) => ({
  goal,
  steps: [
    {
      id: 'note',
      tool: 'skills.text.report',
      args: { title: 'Note', sections: [{ heading: 'One', text }] },
    },
    {
      id: 'same',
      tool: 'skills.text.report',
      args: { title: 'Same', sections: [{ heading: 'One', text: 'As ever.' }] },
    },
    ...more,
  ],
});

test('two runs are put side by side: what differs is said, kept in the address, and fits a phone', async () => {
  const { page, faults, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  const first = await person.post('/api/run', note('First.'));
  const extra = { id: 'extra', tool: 'env.files.list', args: { path: '.' } };
  const second = await person.post('/api/run', note('Second.', extra));
  for (const { jobId } of [first, second]) await succeeds(person, jobId);

  await page.goto(`/console/projects/runs/${first.traceId}`);
  await page.getByRole('link', { name: 'Compare', exact: true }).click();
  await page.waitForURL(/\/compare$/);
  const kin = page.getByRole('region', { name: 'With the same goal' });
  await kin.getByRole('link', { name: `#${second.jobId}` }).waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'chooser');
  await kin.getByRole('link', { name: `#${second.jobId}` }).click();
  await page.waitForURL(new RegExp(`with=${second.traceId}`));

  const differs = (step) =>
    page.locator(`aos-step-row:has([data-step=${step}])`).getByTestId('step-differs');
  await comesTo(() => differs('note').innerText(), /^Arguments · Result/);
  await comesTo(() => differs('extra').innerText(), 'Only in the other run');
  await page.getByRole('button', { name: /^Different/ }).click();
  await page.waitForURL(/only=1/);
  await page.locator('[data-step=note]').click();
  await page.waitForURL(/step=note/);
  const files = () => page.getByTestId('compared-file').allInnerTexts();
  const said = (file) => async () =>
    (await files())
      .find((text) => text.startsWith(file))
      ?.split('\n')
      .at(-1);
  await comesTo(said('note.md'), 'Other content');
  await comesTo(said('same.md'), 'The same content');

  // As it stands it is in the address, for whoever is sent that.
  await page.reload();
  const change = page.getByRole('table', { name: 'Arguments' });
  await change.getByText('First').waitFor();
  await change.getByText('Second').waitFor();
  assert.deepEqual(await seriousFaults(page), [], 'comparison');
  await page.setViewportSize({ width: 390, height: 844 });
  await fits(page, 'the comparison');

  await page.getByRole('button', { name: 'Swap sides' }).click();
  await page.waitForURL(new RegExp(`${second.traceId}/compare.*with=${first.traceId}`));
  await page.getByRole('button', { name: 'Choose another' }).click();
  await page.getByLabel('Find a run').fill(`#${second.jobId}`);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('That is this run itself').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('a run that is not there is said to be so, and another can be chosen at once', async () => {
  const { page, close } = await browser.open();
  await letIn(page);
  const person = await asPerson(page);
  const run = await person.post('/api/run', note('Alone.'));
  await succeeds(person, run.jobId);
  await page.goto(`/console/projects/runs/${run.traceId}/compare?with=${'0'.repeat(32)}`);
  const other = page.getByRole('region', { name: 'The other run' });
  await other.getByRole('alert').waitFor();
  await page.getByLabel('Find a run').fill(run.traceId.slice(0, 31) + 'z');
  await page.getByRole('button', { name: 'Find', exact: true }).click();
  await page.getByText('No run that you may see says this in its goal.').waitFor();
  await fits(page, 'the chooser');
  await close();
});
