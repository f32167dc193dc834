import { randomBytes } from 'node:crypto';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import pg from 'pg';
import { isNative, openTestDatabase } from '../../../test/harness.js';
import { StartRefused } from '../config/environment.js';
import { Database } from './database.js';
import { ensurePartitions } from './partitions.js';

/** `describe` on native Postgres; PGlite has no second session and no address to be wrong. */
const onNative = isNative ? describe : describe.skip; // skipped on PGlite: `npm test` runs this file on native Postgres as well

describe('opening the database', () => {
  it('says which address cannot be reached, without the password', async () => {
    const port = await closedPort();
    const opening = Database.open({ url: `postgres://u:hunter2@127.0.0.1:${port}/d` });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(`127.0.0.1:${port}/d`);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  it('refuses a host that is none', async () => {
    const opening = Database.open({ url: 'postgres://u:hunter2@no..host/d' });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(/DATABASE_URL \(no\.\.host\/d\) cannot be reached/);
  });

  it('refuses a server that speaks something else', async () => {
    const server = await listening((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const opening = Database.open({ url: `postgres://u:hunter2@127.0.0.1:${server.port}/d` });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow('cannot be reached');
    server.close();
  });

  it.each([140_019, 90_624])('refuses Postgres %i, which is too old', async (version) => {
    const server = await postgresOfVersion(version);
    const opening = Database.open({ url: `postgres://u:hunter2@127.0.0.1:${server.port}/d` });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(
      `(127.0.0.1:${server.port}/d) is Postgres ${Math.floor(version / 10_000)}; AOS needs 15 or newer.`,
    );
    server.close();
  });

  it('makes partitions ahead and drops those past retention', async () => {
    const test = await openTestDatabase();
    const partitions = async () =>
      (
        await test.database.query<{ name: string }>(
          `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'logs'::regclass ORDER BY 1`,
        )
      ).map((row) => row.name);
    const before = await partitions();
    expect(before.filter((name) => name !== 'logs_default').length).toBeGreaterThanOrEqual(5);
    await ensurePartitions(test.database, Date.now() + 90 * 24 * 3600_000);
    const after = await partitions();
    expect(after).toContain('logs_default');
    expect(after.filter((name) => before.includes(name))).toEqual(['logs_default']);
    await test.close();
  });

  it('leaves room on the pages of calls for their ends, in the partitions of older builds too', async () => {
    const test = await openTestDatabase();
    const weeks = () =>
      test.database.query<{ name: string; options: string[] | null }>(
        `SELECT relname AS name, reloptions AS options FROM pg_class
          WHERE relkind = 'r' AND relname ~ '^(tool_calls|logs)_w' ORDER BY 1`,
      );
    const made = await weeks();
    const [older] = made.filter(({ name }) => name.startsWith('tool_calls_'));
    expect(made).toEqual(
      made.map(({ name }) => ({
        name,
        options: name.startsWith('logs_') ? null : ['fillfactor=50'],
      })),
    );
    await test.database.query(`ALTER TABLE "${older!.name}" RESET (fillfactor)`);
    await ensurePartitions(test.database);
    expect(await weeks()).toEqual(made);
    await test.close();
  });
});

onNative('a server that goes away', () => {
  it('fails the statements that are under way and nothing else, and is used again when it is back', async () => {
    const test = await openTestDatabase();
    const { proxy, url } = await throughProxy(test.url!);
    const database = await Database.open({ url, poolSize: 4 });
    const line = database.ownLine('test');
    const borrowed = await database.pool.connect();
    const asked = (text: string) => [
      database.query(text),
      line.query(text),
      borrowed.query(text),
      database.transaction((tx) => tx.query(text)),
    ];
    await Promise.all(asked('SELECT 1'));
    const arrived = proxy.forwarded('pg_sleep', 4);
    const under = Promise.allSettled(asked('SELECT pg_sleep(60)'));
    await arrived;
    proxy.cut();
    const failed = await under;
    borrowed.release();
    expect(failed.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await line.query('SELECT 2 AS two')).toEqual([{ two: 2 }]);
    await database.close();
    proxy.close();
    await test.close();
  });
});

onNative('opening a server', () => {
  const server = process.env['AOS_TEST_DATABASE_URL']!;

  it('refuses a wrong password in one line that names what to check', async () => {
    const url = new URL(server);
    url.password = 'hunter2';
    const opening = Database.open({ url: url.href });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(/password/);
    await expect(opening).rejects.not.toThrow('hunter2');
  });

  it.each([
    ['a database that is not there', { pathname: '/not_there' }, /not_there.* does not exist/],
    ['a user that is not there', { username: 'nobody' }, /cannot be reached: .*nobody/],
  ])('refuses %s', async (_what, wrong, says) => {
    const opening = Database.open({ url: Object.assign(new URL(server), wrong).href });
    await expect(opening).rejects.toThrow(StartRefused);
    await expect(opening).rejects.toThrow(says);
  });

  it('lets two processes start at once: one migrates, both run', async () => {
    const name = `aos_two_${randomBytes(4).toString('hex')}`;
    const admin = new pg.Client({ connectionString: server });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    const opened = await Promise.all(
      [1, 2, 3].map(() => Database.open({ url: url.href, poolSize: 4 })),
    );
    for (const database of opened) {
      expect(await database.query('SELECT count(*)::int AS n FROM relay_state')).toEqual([
        { n: 1 },
      ]);
      await database.close();
    }
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  });

  it('makes a migration again that Postgres ended for one who serves meanwhile', async () => {
    const test = await openTestDatabase();
    await test.database.query('DROP TABLE recovery_codes, second_factors');
    await test.database.query(`DELETE FROM schema_migrations WHERE name LIKE 'KeepSecondFactors%'`);
    const [other, third] = [1, 2].map(() => new pg.Client({ connectionString: test.url }));
    await Promise.all([other!.connect(), third!.connect()]);
    // Whoever has waited for so long looks whether it is a deadlock, and is ended: the migration, and not the other one.
    await other!.query(`ALTER DATABASE ${other!.database} SET deadlock_timeout = '10ms'`);
    await other!.query(`SET deadlock_timeout = '1h'`);
    const waiting = async (what: string) => {
      const asked = `SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                      WHERE a.datname = current_database() AND NOT l.granted AND ${what}`;
      while ((await test.database.query(asked)).length === 0);
    };
    // The migration has locked the people by then, and goes on to their sessions once the third is gone.
    await third!.query('BEGIN; CREATE TABLE recovery_codes ()');
    const opening = Database.open({ url: test.url! });
    opening.catch(() => undefined); // it may fail before somebody waits for it
    await waiting(`l.locktype = 'transactionid'`);
    await other!.query('BEGIN; LOCK TABLE sessions IN ROW EXCLUSIVE MODE');
    const served = other!.query('UPDATE users SET name = name');
    await waiting(`l.relation = 'users'::regclass`);
    await third!.query('ROLLBACK');
    await served;
    await other!.query('COMMIT');
    const database = await opening;
    expect(await database.query('SELECT * FROM second_factors')).toEqual([]);
    await database.close();
    await Promise.all([other!.end(), third!.end()]);
    await test.close();
  });

  it('runs without pgvector and knows it', async () => {
    const test = await openTestDatabase();
    const [row] = await test.database.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_available_extensions WHERE name = 'vector'`,
    );
    expect(test.database.hasVector).toBe(row!.n > 0);
    await test.close();
  });
});

async function listening(meet: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // cut by whoever was refused
    meet(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

/**
 * Speaks as much of the protocol as is needed to ask a server how old it is, since no old one is at hand.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
function postgresOfVersion(version: number) {
  const int = (bytes: number, value: number) => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeIntBE(value, 0, bytes);
    return buffer;
  };
  const message = (type: string, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from(type), int(4, body.length + 4), body]);
  };
  const ready = message('Z', Buffer.from('I'));
  const value = Buffer.from(String(version));
  const answer = Buffer.concat([
    message(
      'T',
      int(2, 1),
      Buffer.from('v\0'),
      int(6, 0),
      int(4, 25),
      int(2, -1),
      int(4, -1),
      int(2, 0),
    ),
    message('D', int(2, 1), int(4, value.length), value),
    message('C', Buffer.from('SELECT 1\0')),
    ready,
  ]);
  return listening((socket) => {
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', int(4, 0)), ready]));
      socket.on('data', (asked: Buffer) => {
        if (asked[0] === 'Q'.charCodeAt(0)) socket.write(answer);
      });
    });
  });
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A way to the server that can be cut: the server itself goes on for the other tests. */
async function throughProxy(server: string) {
  const target = new URL(server);
  const sockets = new Set<Socket>();
  let onBytes: (bytes: Buffer) => void = () => undefined;
  const listener = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => to.destroy());
      from.pipe(to);
    }
    client.on('data', (bytes: Buffer) => onBytes(bytes));
  });
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  const url = new URL(server);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  const cut = () => sockets.forEach((socket) => socket.destroy());
  const proxy = {
    cut,
    close: () => {
      listener.close();
      cut();
    },
    /** Until the text has passed so many times. */
    forwarded: (text: string, times: number) =>
      new Promise<void>((done) => {
        let left = times;
        onBytes = (bytes) => {
          if (bytes.includes(text) && --left === 0) done();
        };
      }),
  };
  return { proxy, url: url.href };
}
