import type { EventEmitter } from 'node:events';
import { type TestDatabase, isNative, openTestDatabase } from '../../../test/harness.js';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { ReadOnlySql } from './read-only-sql.js';

let db: TestDatabase;
let reader: ReadOnlySql;
beforeAll(async () => {
  db = await openTestDatabase();
  reader = new ReadOnlySql(db.database);
  await reader.query('SELECT 1', [], { maxRows: 1, timeoutMs: 5000 });
  await db.database.query('CREATE TABLE workspace.birds (id int, name text)');
  await db.database.query(
    `INSERT INTO workspace.birds SELECT n, 'bird ' || n FROM generate_series(1, 20) n`,
  );
  // An operator who grants too much does not open the way to write.
  await db.database.query('GRANT ALL ON workspace.birds TO aos_reader');
  await db.database.query(
    `INSERT INTO users (id, email, name) VALUES (gen_random_uuid(), 'canary@example.test', 'canary')`,
  );
});
afterAll(() => db.close());
afterEach(() => jest.restoreAllMocks());

const ask = (text: string, params: unknown[] = [], maxRows = 10) =>
  reader.query(text, params, { maxRows, timeoutMs: 5000 });

it('reads the workspace, with parameters, in columns and rows', async () => {
  expect(await ask('SELECT id, name FROM birds WHERE id = $1::int', [3])).toEqual({
    columns: ['id', 'name'],
    rows: [[3, 'bird 3']],
    truncated: false,
  });
  expect(
    await ask(`WITH x AS (SELECT $1::text AS a, $2::boolean AS b) SELECT * FROM x`, ['t', null]),
  ).toMatchObject({ rows: [['t', null]] });
});

it('gives every column, also those of one name, in the order of the query', async () => {
  expect(
    await ask(`SELECT count(*), count(name) FILTER (WHERE id > 15), 2 AS "2", 1 AS "1" FROM birds`),
  ).toMatchObject({ columns: ['count', 'count', '2', '1'], rows: [[20, 5, 2, 1]] });
});

it('gives numbers that JavaScript would change as text, and others as numbers', async () => {
  const { rows } = await ask(
    `SELECT 9007199254740993::bigint, -9223372036854775807::bigint, 9007199254740991::bigint, 1.50::numeric,
            0.1::float8 + 0.2::float8, 12345678901234567.5::numeric, json_build_object('id', 9007199254740993)`,
  );
  expect(rows).toEqual([
    [
      ...['9007199254740993', '-9223372036854775807', 9007199254740991, 1.5],
      ...[0.30000000000000004, '12345678901234567.5', { id: '9007199254740993' }],
    ],
  ]);
});

it('gives as many rows as were asked for, and says that there are more', async () => {
  const answer = await ask('SELECT id FROM workspace.birds ORDER BY id');
  expect([answer.rows.length, answer.truncated]).toEqual([10, true]);
});

it('takes no more rows out of a query than it was asked for', async () => {
  // Of the twelfth row there would be an error.
  const { rows } = await ask('SELECT 1 / (12 - id) AS n FROM birds', [], 10);
  expect(rows).toHaveLength(10);
  await expect(ask('SELECT 1 / (12 - id) AS n FROM birds', [], 11)).rejects.toMatchObject({
    code: 'query_refused',
  });
});

it('gives no more than half a megabyte, whole rows of it, and says that there is more', async () => {
  const answer = await ask(`SELECT repeat('x', 200000) AS x FROM birds`);
  expect([answer.rows.length, answer.truncated]).toEqual([2, true]);
});

it('has no row sent that is too long to be given, and none after it', async () => {
  const [short, long] = [`repeat('a', 300000)`, `repeat('b', 600000)`];
  let longest = 0;
  const watch = (client: unknown) => {
    const { connection } = client as { connection: EventEmitter };
    connection.on('dataRow', ({ length }: { length: number }) => {
      longest = Math.max(longest, length);
    });
  };
  db.database.pool.once('acquire', watch);
  const answer = await ask(`VALUES (${short}), (${long}), ('c')`);
  expect(answer.rows.map(([text]) => String(text).slice(0, 1))).toEqual(['a']);
  expect(answer.truncated).toBe(true);
  expect(longest).toBeGreaterThan(300_000);
  expect(longest).toBeLessThan(310_000);
});

it('takes no more rows out of a query once those it has are longer than all that is given', async () => {
  // Of the fifth row there would be an error.
  const text = `SELECT repeat('x', 600000 + id), 1 / (5 - id) FROM birds`;
  expect(await ask(text)).toEqual({ columns: [], rows: [], truncated: true });
});

it('writes no messages into the log of changes, which no rollback takes back', async () => {
  for (const text of [
    `SELECT pg_logical_emit_message(false, 'x', 'text')`,
    `SELECT pg_logical_emit_message(false, 'x', '\\x00'::bytea)`,
  ])
    await expect(ask(text)).rejects.toMatchObject({
      code: 'query_refused',
      message: expect.stringContaining('permission denied'),
    });
});

describe('a query that is nested deeper than the stack', () => {
  const nested: [string, string][] = [
    ['in itself', `SELECT 1${'+1'.repeat(40_000)}`],
    ['in a value of JSON', `SELECT repeat('[', 100000)::jsonb`],
    ['in a pattern', `SELECT 'a' ~ (repeat('(', 20000) || 'a' || repeat(')', 20000))`],
    ['in a way through JSON', `SELECT ('$' || repeat('.a', 40000))::jsonpath`],
  ];
  it.each(nested)('%s fails alone, and the database goes on', async (_, text) => {
    await expect(ask(text)).rejects.toMatchObject({
      code: expect.stringMatching(/query_too_costly|query_refused/) as string,
      message: expect.not.stringContaining('errstart') as string,
    });
    expect(await ask('SELECT count(*) FROM birds')).toMatchObject({ rows: [[20]] });
    await db.database.query(`SELECT 1/length('')`).catch(() => undefined); // an error of its own
    await db.database.query(`UPDATE workspace.birds SET name = name WHERE id = 1`);
  });
});

it('begins no query that Postgres reads for seconds before it can be stopped', async () => {
  await expect(ask('/*'.repeat(2_000))).rejects.toMatchObject({
    said: { code: 'query-signs' },
  });
  expect(await ask(`/${'*'.repeat(900)}/ SELECT 1 ${'-'.repeat(900)}`)).toMatchObject({
    rows: [[1]],
  });
});

it('takes ten parameters, and says so of more', async () => {
  const ten = Array.from({ length: 10 }, (_, i) => i);
  expect((await ask('SELECT $10::int AS last', ten)).rows).toEqual([[9]]);
  await expect(ask('SELECT 1', [...ten, 10])).rejects.toMatchObject({
    code: 'too_many_parameters',
  });
});

it('asks nothing for a call that was given up', async () => {
  const given = AbortSignal.abort(new Error('given up'));
  const limits = { maxRows: 1, timeoutMs: 5000 };
  await expect(reader.query('SELECT 1', [], limits, given)).rejects.toThrow('given up');
});

it('reads as a role that can sign in nowhere, and make nothing', async () => {
  const [role] = await db.database.query(
    `SELECT rolcanlogin, rolsuper, rolinherit, has_schema_privilege(oid, 'workspace', 'CREATE') AS makes,
            (SELECT count(*)::int FROM pg_class WHERE relowner = r.oid) AS owns
       FROM pg_roles r WHERE rolname = 'aos_reader'`,
  );
  expect(role).toEqual({
    ...{ rolcanlogin: false, rolsuper: false, rolinherit: false, makes: false, owns: 0 },
  });
});

it('is asked by AOS alone', async () => {
  const [others] = await db.database.query(
    `SELECT has_function_privilege('pg_monitor', 'workspace.aos_read(text, text[], int)', 'EXECUTE') AS "canAsk"`,
  );
  expect(others).toEqual({ canAsk: false });
});

it('makes what it stands on at the next query where that failed before', async () => {
  const anew = new ReadOnlySql(db.database);
  jest.spyOn(db.database, 'transaction').mockRejectedValueOnce(new Error('gone'));
  const once = () => anew.query('SELECT 1 AS one', [], { maxRows: 1, timeoutMs: 5000 });
  await expect(once()).rejects.toMatchObject({ code: 'database_unavailable' });
  expect((await once()).rows).toEqual([[1]]);
});

it.each([
  'SELECT * FROM public.users',
  'SELECT * FROM public.secrets',
  'TABLE public.audit_logs',
  `SELECT query_to_xml('SELECT * FROM public.users', true, true, '')`,
  `SELECT set_config('role', 'none', true), query_to_xml('SELECT * FROM public.users', true, true, '')`,
  `SELECT set_config('role', session_user, false)`,
  `SELECT set_config('session_authorization', session_user, false)`,
  'SELECT 1; SELECT * FROM public.users',
  'SET ROLE NONE',
  'RESET ROLE',
  'SET SESSION AUTHORIZATION DEFAULT',
  'DO $$ BEGIN RESET ROLE; END $$',
  `COPY (SELECT 1) TO PROGRAM 'id'`,
  `COPY public.users TO '/tmp/x'`,
  `SELECT pg_read_file('/etc/passwd')`,
  `SELECT pg_ls_dir('/')`,
  `SELECT lo_import('/etc/passwd')`,
  'INSERT INTO workspace.birds VALUES (0)',
  'DELETE FROM workspace.birds RETURNING *',
  'WITH gone AS (DELETE FROM workspace.birds RETURNING *) SELECT * FROM gone',
  `SELECT nextval('public.events_id_seq')`,
  'CREATE TABLE workspace.x (a int)',
  'SELECT * FROM workspace.aos_read($$SELECT 1$$, NULL, 1)) x; SELECT 1 --',
])('refuses %s', async (text) => {
  await expect(ask(text)).rejects.toMatchObject({
    name: 'ToolFault',
    code: expect.stringMatching(/^query_/),
  });
});

it('leaves nothing behind: not a setting, not a lock, not a row', async () => {
  await ask(
    `SELECT set_config('search_path', 'pg_catalog', false), set_config('default_transaction_read_only', 'on', false)`,
  );
  await ask('SELECT pg_try_advisory_lock(4711)').catch(() => undefined); // refused on the embedded database
  const [state] = await db.database.query(
    `SELECT current_user = session_user AS "isItself", current_setting('default_transaction_read_only') AS ro,
            (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locks,
            (SELECT count(*)::int FROM workspace.birds) AS birds`,
  );
  expect(state).toEqual({ isItself: true, ro: 'off', locks: 0, birds: 20 });
});

/** Their ends show only while they run. Each is short here: a test must end even where nothing stops it. */
const unforeseen = [
  'SELECT count(*) FROM generate_series(1, (SELECT 100000))',
  'SELECT generate_series(1, (SELECT 100000))',
  'SELECT count(*) FROM generate_series(1, 10) a, LATERAL generate_series(1, a * 10000) b',
  'SELECT count(*) FROM generate_series(1, (random() * 100000)::int)',
  'SELECT count(*) FROM (SELECT 100000 AS n OFFSET 0) t, LATERAL (SELECT generate_series(1, n)) s',
  'WITH t AS MATERIALIZED (SELECT 100000 AS n) SELECT count(*) FROM t, generate_series(1, n)',
  `SELECT query_to_xml('SELECT * FROM generate_series(1, 100000)', true, true, '')`,
  `SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')`,
  `SELECT * FROM ts_stat('SELECT to_tsvector(''a'')')`,
  `SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery')`,
  'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 1000) SELECT count(*) FROM t',
  'SELECT pg_sleep(0.001)',
];
const onEmbedded = isNative ? it.skip : it; // a server ends what takes too long (see below); npm test runs this file on PGlite too
onEmbedded.each(unforeseen)('does not begin %s', async (text) => {
  await expect(ask(text)).rejects.toMatchObject({ name: 'ToolFault' });
});

it('runs no query within the query by its own function', async () => {
  await expect(ask(`SELECT workspace.aos_read('SELECT 1', NULL, 1)`)).rejects.toMatchObject({
    code: 'query_refused',
    message: expect.stringContaining('permission denied'),
  });
});

it.each([
  'SELECT count(*) FROM generate_series(1, 1000)',
  `SELECT count(*) FROM generate_series(now() - interval '30 days', now(), '1 day')`,
  `SELECT count(*) FROM generate_series('2020-01-01'::date, '2022-09-26'::date, '1 day')`,
  'SELECT generate_series(-500, 499)',
  'SELECT count(*) FROM generate_series(1, $1::int)',
])('runs %s', async (text) => {
  expect((await ask(text, text.includes('$1') ? [1000] : [])).rows).not.toEqual([]);
});

onEmbedded('does not begin what the planner expects to cost too much', async () => {
  // The planner takes a third of each table for wanted; there is nothing to be done in fact.
  const text = 'SELECT count(*) FROM birds a, birds b, birds c WHERE a.id < 0 AND b.id < c.id';
  await expect(ask(text)).rejects.toMatchObject({ code: 'query_too_costly' });
  expect((await ask('SELECT count(*)::int FROM birds WHERE id < 0')).rows).toEqual([[0]]);
});

/** Each would take some hundreds of megabytes, and no more, were nothing to stop it. */
const large = [
  `SELECT length(repeat('x', 400000000))`,
  `SELECT length(format('%400000000s', 'x'))`,
  `SELECT length(replace(repeat('x', 40000), 'x', repeat('y', 10000)))`,
  `SELECT length(string_agg(repeat('x', 1000000), '')) FROM generate_series(1, 400)`,
  `SELECT array_length(array_fill(0, ARRAY[10000, 10000]), 1)`,
];
onEmbedded('does not take more memory than it may have, and works on', async () => {
  const { wasmMemory } = db.database.lite!.Module as unknown as {
    wasmMemory: { buffer: ArrayBuffer };
  };
  const before = wasmMemory.buffer.byteLength;
  for (const text of large)
    await expect(ask(text)).rejects.toMatchObject({ name: 'ToolFault', code: 'query_too_costly' });
  expect(wasmMemory.buffer.byteLength - before).toBeLessThanOrEqual(128 * 1024 * 1024);
  expect((await ask('SELECT count(*)::int FROM birds')).rows).toEqual([[20]]);
  // AOS itself is not held to it.
  const [own] = await db.database.query(`SELECT length(repeat('x', 200000000)) AS n`);
  expect(own).toEqual({ n: 200_000_000 });
});

const onServer = isNative ? it : it.skip; // PGlite has one connection: npm test runs this file on native Postgres too
onServer.each([
  'SELECT pg_sleep(5)',
  'SELECT count(*) FROM generate_series(1, 10000000)',
  'WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t WHERE n < 3000000) SELECT count(*) FROM t',
])('ends %s by its time, and says that', async (text) => {
  await expect(reader.query(text, [], { maxRows: 1, timeoutMs: 50 })).rejects.toMatchObject({
    code: 'query_timeout',
  });
});

onServer('gives back the locks of a query before its connection serves others', async () => {
  await ask('SELECT pg_advisory_lock(4711)');
  const other = await Database.open({ url: db.database.url! });
  try {
    const [lock] = await other.query('SELECT pg_try_advisory_lock(4711) AS free');
    expect(lock).toEqual({ free: true });
  } finally {
    await other.close();
  }
});

onServer.each([
  'SELECT pg_advisory_xact_lock(4712), pg_sleep(4)',
  'SELECT pg_advisory_lock_shared(47, 4713), pg_sleep(4)',
  `SELECT query_to_xml('SELECT pg_advisory_xact_lock(4712), pg_sleep(4)', true, true, '')`,
])('ends %s, for which others may be waiting', async (text) => {
  await expect(ask(text)).rejects.toMatchObject({
    code: 'query_refused',
    said: { code: 'query-locks' },
  });
  const [left] = await db.database.query(
    `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory' AND objid IN (4712, 4713)
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  expect(left).toEqual({ locks: 0 });
});

onServer('lets a query that takes long and holds no lock come to its end', async () => {
  expect((await ask('SELECT 1 AS one, pg_sleep(1.2)')).rows).toEqual([[1, '']]);
});

onServer('makes what it stands on one process after the other', async () => {
  const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 726303 AND NOT granted
                    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  let isOver = false;
  let made: Promise<unknown> | undefined;
  let waited = false;
  await db.database.transaction(async (tx) => {
    await sql(tx, 'SELECT pg_advisory_xact_lock(726303)');
    made = new ReadOnlySql(db.database)
      .query('SELECT 1', [], { maxRows: 1, timeoutMs: 5000 })
      .finally(() => (isOver = true));
    while (!isOver && !waited) waited = (await sql(tx, waits)).rows.length > 0;
  });
  await made;
  expect(waited).toBe(true);
});

/** Queries that stand still until the function is called that comes with them. */
async function standing(count: number, signal?: AbortSignal) {
  const holder = await Database.open({ url: db.database.url! });
  await holder.query('SELECT pg_advisory_lock(4714)');
  const queries = Array.from({ length: count }, () =>
    reader.query(
      'SELECT 1 FROM pg_advisory_xact_lock_shared(4714)',
      [],
      { maxRows: 1, timeoutMs: 30_000 },
      signal,
    ),
  );
  // A test looks at them later; one that fails before that is not one that nobody looks at.
  for (const query of queries) query.catch(() => undefined);
  const waiting = async () => {
    const [row] = await holder.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND objid = 4714 AND NOT granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    return row!.count;
  };
  return { queries, waiting, end: () => holder.close() };
}

onServer('leaves AOS its connections, and says to whom it has no place for in time', async () => {
  const { queries, waiting, end } = await standing(12);
  while ((await waiting()) < 4);
  await expect(reader.query('SELECT 1', [], { maxRows: 1, timeoutMs: 20 })).rejects.toMatchObject({
    code: 'query_busy',
    said: { code: 'query-busy' },
  });
  expect(await db.database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(await waiting()).toBe(4);
  await end();
  expect((await Promise.all(queries)).map(({ rows }) => rows)).toEqual(Array(12).fill([[1]]));
});

onServer('ends a query whose caller has gone', async () => {
  const gone = new AbortController();
  const { queries, waiting, end } = await standing(1, gone.signal);
  while ((await waiting()) < 1);
  gone.abort(new Error('the client has gone'));
  await expect(queries[0]).rejects.toThrow();
  expect(await waiting()).toBe(0);
  await end();
});

onServer('says of a query that has its own connection ended that it took too long', async () => {
  const text = `SELECT set_config('transaction_timeout', '20', true), pg_sleep(5)`;
  await expect(ask(text)).rejects.toMatchObject({ code: 'query_timeout' });
  expect((await ask('SELECT 1')).rows).toEqual([[1]]);
});

onServer('lets a query write no more than so much beside the tables', async () => {
  const text = `SELECT current_setting('temp_file_limit')`;
  expect((await ask(text)).rows).toEqual([['1GB']]);
  await expect(ask(`SELECT set_config('temp_file_limit', '-1', true)`)).rejects.toMatchObject({
    code: 'query_refused',
  });
});

onServer(
  'says that the database does not answer when the connection of a query is cut',
  async () => {
    const away = { code: 'database_unavailable', said: { code: 'database-away' } };
    const { queries, waiting, end } = await standing(1);
    while ((await waiting()) < 1);
    await db.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4714 AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    await expect(queries[0]).rejects.toMatchObject(away);
    await end();
    const full = Object.assign(new Error('sorry, too many clients already'), { code: '53300' });
    jest.spyOn(db.database, 'transaction').mockRejectedValueOnce(full);
    await expect(ask('SELECT 1')).rejects.toMatchObject(away);
  },
);
