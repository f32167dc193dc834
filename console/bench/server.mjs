/**
 * The real server, on an embedded database that holds 100,000 runs and a trace of 10,000 spans before anybody
 * looks. It answers orders of the process that started it, because only this process may write to its database:
 *
 *     commit   one value event of a task of its own; answers when its COMMIT was sent
 *     flood    so many value events a second, spread over fifty tasks
 */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppModule } from '../../backend/dist/src/app.module.js';
import { OwnerBootstrap } from '../../backend/dist/src/modules/auth/index.js';
import { readEnvironment } from '../../backend/dist/src/platform/config/environment.js';
import { Database } from '../../backend/dist/src/platform/database/database.js';
import { configureHttp } from '../../backend/dist/src/platform/http/configure-http.js';
import { serveConsole } from '../../backend/dist/src/platform/http/console-files.js';
import { Outbox } from '../../backend/dist/src/platform/outbox/outbox.js';
import { BUSY, RUNS, SPANS, TRACE } from './figures.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const environment = readEnvironment(process.env);
const database = await Database.open({ dataDir: environment.dataDir });
await seed();
const app = await NestFactory.create(AppModule.forRoot(environment, database), {
  bodyParser: false,
  logger: ['error'],
});
app.useWebSocketAdapter(new WsAdapter(app));
configureHttp(app, environment);
serveConsole(app, join(root, 'console/dist/browser'));
await app.get(OwnerBootstrap).ensure(environment);
await app.listen(0, '127.0.0.1');
const outbox = app.get(Outbox);

process.on('message', (order) => {
  const work = { commit, flood, stop }[order.op];
  work(order).then(
    (answer) => process.send({ ...answer }),
    (error) => process.send({ error: String(error.stack) }),
  );
});
process.on('disconnect', () => process.exit());
process.send({ port: app.getHttpServer().address().port });

async function commit({ mark }) {
  let committedAt;
  await database.transaction(async (tx) => {
    await outbox.append(tx, [event(`mark-${mark}`, mark)]);
    committedAt = Date.now();
  });
  return { committedAt };
}

/** Ten to a transaction, as a worker that is busy gathers them. */
async function flood({ perSecond, seconds }) {
  const began = performance.now();
  let sent = 0;
  while (sent < perSecond * seconds) {
    const due = Math.min(
      perSecond * seconds,
      Math.ceil(((performance.now() - began) / 1000) * perSecond),
    );
    while (sent < due) {
      const batch = Array.from({ length: Math.min(10, due - sent) }, (_, n) => sent + n);
      await database.transaction((tx) =>
        outbox.append(
          tx,
          batch.map((n) => event(traceOf((n % BUSY) + 1), `Cleaned batch ${n}`, RUNS - (n % BUSY))),
        ),
      );
      sent += batch.length;
    }
    await new Promise((done) => setTimeout(done, 5));
  }
  return { sent, tookMs: Math.round(performance.now() - began) };
}

async function stop() {
  await app.close();
  await database.close();
  return {};
}

const traceOf = (run) => run.toString(16).padStart(32, '0');

function event(traceId, summary, jobId = null) {
  return {
    traceId,
    jobId,
    topic: 'task',
    type: 'task.progress.milestone',
    summary,
    payload: { stepId: 'clean', done: 1, total: 3 },
    links: [{ rel: 'trace', href: `/monitor/traces/${traceId}`, title: 'Open trace' }],
  };
}

async function seed() {
  await database.query(
    `INSERT INTO jobs (trace_id, spec, status, created_at, run_at, started_at, finished_at, attempts, progress, created_by, lease_owner, lease_until)
     SELECT lpad(to_hex(n), 32, '0'), jsonb_build_object('goal', 'Clean and plot batch ' || n),
            CASE WHEN n <= $2::int THEN 'running'
                 ELSE (ARRAY['succeeded', 'succeeded', 'succeeded', 'failed', 'cancelled'])[1 + n % 5] END,
            now() - n * interval '7 seconds', now(), now() - n * interval '7 seconds', now() - n * interval '6 seconds', 1,
            '{"done": 3, "total": 3}', 'bench', 'bench', now() + interval '1 day'
       FROM generate_series($1::int, 1, -1) AS n`,
    [RUNS, BUSY],
  );
  await database.query(
    `INSERT INTO traces (trace_id, status, latency_ms, started_at, finished_at, name)
     VALUES ($1, 'succeeded', 60000, now() - interval '1 minute', now(), 'A run of ten thousand spans')`,
    [TRACE],
  );
  // A tree: every span but the first has one of those before it as its parent, ten children each.
  await database.query(
    `INSERT INTO spans (trace_id, span_id, parent_span_id, name, kind, started_at, duration_us, status, attributes)
     SELECT $1, lpad(to_hex(n + 1), 16, '0'), CASE WHEN n > 0 THEN lpad(to_hex((n - 1) / 10 + 1), 16, '0') END,
            'step ' || n, (ARRAY['graph', 'tool', 'model', 'database', 'http'])[1 + n % 5],
            now() - interval '1 minute' + n * interval '5 milliseconds', 4000 + (n % 17) * 900,
            CASE WHEN n % 97 = 0 THEN 'error' ELSE 'ok' END, '{"rows": 10000}'
       FROM generate_series(0, $2::int - 1) AS n`,
    [TRACE, SPANS],
  );
  await database.query('ANALYZE jobs');
}
