import type { AuditRow, Page } from '@aos/contracts';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { AuditModule } from './index.js';

let http: HttpApp;
let owner: SignedIn;
beforeAll(async () => {
  http = await openHttpApp({ imports: [AuditModule] });
  owner = await http.signIn('owner');
});
afterAll(() => http.close());

const record = (action: string, resource: string, diff: unknown = null) =>
  http.app
    .get(AuditTrail, { strict: false })
    .recordAlone(
      { actor: systemPrincipal, traceId: 'a'.repeat(32), ip: null },
      { action, resource, diff },
    );

it('pages by key, newest first, and filters', async () => {
  for (let n = 0; n < 7; n++) await record('thing.change', `thing:${n}`);
  const seen: AuditRow[] = [];
  let cursor: string | null = null;
  do {
    const path: string = `/audit/logs?limit=3&action=thing.change${cursor ? `&cursor=${cursor}` : ''}`;
    const { body } = await http.call<Page<AuditRow>>(path, { as: owner });
    seen.push(...body.items);
    cursor = body.nextCursor;
  } while (cursor);
  expect(seen.map(({ resource }) => resource)).toEqual(
    [6, 5, 4, 3, 2, 1, 0].map((n) => `thing:${n}`),
  );
  const count = async (query: string) =>
    (await http.call<Page<AuditRow>>(`/audit/logs?${query}`, { as: owner })).body.items.length;
  expect(await count('resource=thing:3')).toBe(1);
  expect(await count(`traceId=${'a'.repeat(32)}&actor=system`)).toBe(7);
  expect(await count('action=thing.change&until=2020-01-01T00:00:00Z')).toBe(0);
  expect(await count('action=thing.change&outcome=denied')).toBe(0);
  expect((await http.refused('/audit/logs?since=yesterday', { as: owner })).status).toBe(400);
  expect((await http.refused('/audit/logs?cursor=WyJ4Il0', { as: owner })).status).toBe(400);
});

it('exports one line a row, whatever is in a name, and records the export', async () => {
  const nasty = 'name\n{"forged":true}\r\u001b[31m\u2028\u202e\u009b=cmd|calc';
  await record('export.me', nasty, { csv: '=HYPERLINK("http://evil")' });
  const answer = await http.call('/audit/export?action=export.me', { as: owner });
  expect(answer.headers.get('content-type')).toContain('application/x-ndjson');
  expect(answer.headers.get('content-disposition')).toContain('attachment');
  expect(answer.text.slice(0, -1)).not.toMatch(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/,
  );
  expect((JSON.parse(answer.text) as AuditRow).resource).toBe(nasty);
  const { body } = await http.call<Page<AuditRow>>('/audit/logs?action=audit.export', {
    as: owner,
  });
  expect(body.items).toMatchObject([
    { actor: `user:${owner.userId}`, diff: { filter: { action: 'export.me' } } },
  ]);
});

it('exports all rows over many batches, in order', async () => {
  await http.database.query(
    `INSERT INTO audit_logs (actor, action, resource) SELECT 'system', 'bulk', 'row:' || n FROM generate_series(1, 1234) n`,
  );
  const { text } = await http.call('/audit/export?action=bulk', { as: owner });
  const resources = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as AuditRow).resource);
  expect(resources).toEqual(Array.from({ length: 1234 }, (_, n) => `row:${n + 1}`));
});

it.each(['UPDATE audit_logs SET actor = null', 'DELETE FROM audit_logs', 'TRUNCATE audit_logs'])(
  'cannot be changed by the application itself: %s',
  async (statement) => {
    await expect(http.database.query(statement)).rejects.toThrow(/append-only/);
  },
);
