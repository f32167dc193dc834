import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import pg from 'pg';
import WebSocket from 'ws';
import { openEventServer } from '../bench/events-server.js';
import { isNative } from './harness.js';

const onServer = isNative ? test : test.skip; // a database by its name needs a server: AOS_TEST_DB=native, which npm test also runs
onServer('what bench:events measures starts, and an event comes through', async () => {
  const adminUrl = process.env['AOS_TEST_DATABASE_URL']!;
  const name = `aos_bench_${randomBytes(6).toString('hex')}`;
  const server = await openEventServer(adminUrl, name);
  try {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/agent/events`);
    const frames: { op: string; event?: { payload: { n: number } } }[] = [];
    const hasCome = new Promise<void>((done) =>
      socket.on('message', (data: Buffer) => {
        frames.push(JSON.parse(data.toString()));
        if (frames.at(-1)!.op === 'event') done();
      }),
    );
    await once(socket, 'open');
    socket.send(JSON.stringify({ op: 'subscribe' }));
    await once(socket, 'message');
    await server.write(7, () => undefined);
    await hasCome;
    expect(frames.at(-1)!.event!.payload.n).toBe(7);
    socket.terminate();
  } finally {
    await server.close();
    const admin = new pg.Client(adminUrl);
    await admin.connect();
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
});
