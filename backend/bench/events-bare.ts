import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import pg from 'pg';
import { type WebSocket, WebSocketServer } from 'ws';
import { textFrame } from '../src/platform/realtime/framed-event.js';
import { type Answer, answerOrders, benchEvent, writeSteadily } from './events-protocol.js';

/** What one writes in an afternoon: the event rides in the NOTIFY, and a loop over the sockets sends it. */
const isFramedOnce = process.argv[2] === 'framed-once';
const clients = new Map<WebSocket, Socket>();
let pool: pg.Pool;

answerOrders(async (order): Promise<Answer> => {
  if (order.op === 'listen') return { port: await listen(order.adminUrl, order.database) };
  if (order.op === 'write')
    return { committedAt: await writeSteadily(order.perSecond, order.seconds, write) };
  throw new Error(`a server does not ${order.op}`);
});

async function listen(adminUrl: string, database: string): Promise<number> {
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.end();
  const url = new URL(adminUrl);
  url.pathname = database;
  pool = new pg.Pool({ connectionString: url.href, max: 12 });
  await pool.query(
    `CREATE TABLE bench_events (id BIGSERIAL PRIMARY KEY, trace_id TEXT, type TEXT, body JSONB, created_at TIMESTAMPTZ DEFAULT now())`,
  );
  const listener = new pg.Client(url.href);
  await listener.connect();
  await listener.query('LISTEN bench');
  listener.on('notification', ({ payload }) => fanOut(JSON.parse(payload!)));

  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  server.on('connection', (client, request) => {
    client.on('message', () => {
      clients.set(client, request.socket);
      client.send('{"op":"ready","seq":0}');
    });
    client.on('close', () => clients.delete(client));
    client.on('error', () => clients.delete(client));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return (http.address() as AddressInfo).port;
}

function fanOut(event: unknown): void {
  if (isFramedOnce) {
    const frame = textFrame(JSON.stringify({ op: 'event', event }));
    for (const socket of clients.values()) socket.write(frame);
  } else for (const client of clients.keys()) client.send(JSON.stringify({ op: 'event', event }));
}

async function write(n: number, commits: () => void): Promise<void> {
  const { payload, traceId, ...event } = benchEvent(n);
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query<{ id: string }>(
      'INSERT INTO bench_events (trace_id, type, body) VALUES ($1, $2, $3) RETURNING id',
      [traceId, event.type, JSON.stringify(payload)],
    );
    const body = {
      seq: Number(rows[0]!.id),
      id: rows[0]!.id,
      traceId,
      jobId: null,
      projectId: null,
      ...event,
      severity: 'info',
      payload,
      createdAt: new Date().toISOString(),
      actor: randomUUID().slice(0, 8),
    };
    await client.query('SELECT pg_notify($1, $2)', ['bench', JSON.stringify(body)]);
    commits();
    await client.query('COMMIT');
  } finally {
    client.release();
  }
}
