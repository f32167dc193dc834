import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asPerson, comesTo, csv, signIn, useBrowser } from './harness.mjs';

const browser = useBrowser();

/** A page of its own for one file: a conversation that shows it by its address. */
async function look(page, api, name, content, mimeType) {
  const { artifactId } = await api.upload(name, content, mimeType);
  await page.goto(`/console/chat?artifact=${artifactId}`);
  await page.getByRole('tab', { name }).waitFor();
}

function smallPdf(text) {
  const stream = `BT /F1 24 Tf 40 100 Td (${text}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let body = '%PDF-1.4\n';
  const offsets = objects.map((object, n) => {
    const at = body.length;
    body += `${n + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  return `${body}xref\n0 6\n0000000000 65535 f \n${table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${body.length}\n%%EOF`;
}

test('a table of 100,000 rows scrolls, is put in order and searched', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);
  const rows = Array.from({ length: 100_000 }, (_, n) => `${n},${(n * 7919) % 100_003},row ${n}`);
  await look(page, api, 'large.csv', ['id,value,text', ...rows].join('\n'));
  const view = page.locator('aos-table-view');
  await view.getByText('rows: 100,000').waitFor();
  const cells = (index) => view.locator(`[aria-rowindex="${index}"] [role=cell]`).allInnerTexts();
  await comesTo(() => cells(2), ['1', '0', '0', 'row 0']);
  assert.ok((await view.locator('[role=row]').count()) < 120);

  await view.locator('.scroller').evaluate((el) => (el.scrollTop = el.scrollHeight));
  await view.getByRole('cell', { name: 'row 99999', exact: true }).waitFor();

  await view.getByRole('columnheader', { name: 'value' }).getByRole('button').click();
  await view.getByRole('columnheader', { name: 'value' }).getByRole('button').click();
  await view.locator('[aria-sort=descending]').waitFor();
  await view.locator('[aria-rowindex="2"]', { hasText: '100002' }).waitFor();

  await view.getByRole('searchbox').fill('row 4242');
  await view.getByText('rows: 11 of 100,000').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('each kind of file is shown as what it is', async () => {
  const { page, faults, close } = await browser.open();
  await signIn(page);
  const api = await asPerson(page);

  await look(page, api, 'a.json', JSON.stringify({ steps: [{ id: 'a' }] }), 'application/json');
  await page.getByRole('treeitem', { name: /steps/ }).waitFor();
  await look(page, api, 'fix.diff', '--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n', 'text/x-diff');
  await page.locator('aos-diff-view .line.gone', { hasText: 'old' }).waitFor();
  await page.locator('aos-diff-view .line.new', { hasText: 'new' }).waitFor();
  await look(page, api, 'main.py', 'def main():\n    return "x"  # why\n', 'text/x-python');
  await page.locator('aos-code-editor .cm-line', { hasText: 'def main' }).waitFor();
  await look(page, api, 'notes.md', '# Title\n\n<script>x</script>\n', 'text/markdown');
  await page.getByRole('heading', { name: 'Title' }).waitFor();
  await look(page, api, 'page.html', '<h1>inert</h1>', 'text/html');
  await page.locator('aos-code-editor .cm-line', { hasText: '<h1>inert</h1>' }).waitFor();
  await look(page, api, 'a.pdf', smallPdf('Hello'), 'application/pdf');
  const sheet = page.locator('aos-pdf-view canvas');
  await sheet.waitFor();
  await page.waitForFunction(() => {
    const canvas = document.querySelector('aos-pdf-view canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value, at) => at % 4 < 3 && value < 100 && data[at - (at % 4) + 3] > 0);
  });
  await look(page, api, 'broken.pdf', 'no pdf at all', 'application/pdf');
  await page.getByText('This PDF cannot be shown').waitFor();
  await look(page, api, 'data.bin', Buffer.from([0, 1, 2, 3, 0, 255]), 'application/octet-stream');
  await page.getByText('This file is not text').waitFor();
  await look(page, api, 'broken.png', 'no picture', 'image/png');
  await page.getByText('This picture cannot be shown').waitFor();
  await look(page, api, 'empty.txt', '', 'text/plain');
  await page.getByText('The file is empty').waitFor();
  await look(page, api, 'long.log', 'line of a log\n'.repeat(200_000), 'text/plain');
  await page.getByText('The first part of a file of 2.8 MB').waitFor();
  assert.deepEqual(faults, []);
  await close();
});

test('results open by themselves, take no focus, and keep the width that they were given', async () => {
  const { page, close } = await browser.open();
  await signIn(page);
  await page.setInputFiles('input[type=file]', {
    name: 'strikes.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(csv),
  });
  await page.locator('aos-file-chips li', { hasText: 'kB' }).waitFor();
  await page.fill('#goal', 'clean strikes.csv and plot strikes by species');
  await page.press('#goal', 'Enter');
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await page.locator('aos-task-line').waitFor();
  await page.locator('#goal').pressSequentially('while it works');
  await page.locator('aos-workspace [role=tab]').first().waitFor();
  await comesTo(() => page.evaluate(() => document.activeElement?.id), 'goal');
  await comesTo(() => page.inputValue('#goal'), 'while it works');

  const handle = page.getByRole('separator', { name: 'Width of the results' });
  const share = () => handle.getAttribute('aria-valuenow');
  const before = await share();
  await handle.focus();
  await page.keyboard.press('ArrowLeft');
  const isOther = ([selector, than]) =>
    document.querySelector(selector)?.getAttribute('aria-valuenow') !== than;
  await page.waitForFunction(isOther, ['[role=separator]', before]);
  const after = await share();
  await page.reload();
  await handle.waitFor();
  await page.waitForFunction(isOther, ['[role=separator]', before]);
  await comesTo(() => share(), after);
  await close();
});
