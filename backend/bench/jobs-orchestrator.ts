/**
 * The second line of `jobs.ts`: one-step tasks through the whole application, from submission to receipt
 * (plan, graph with its checkpoints, gateway, ledger, events, receipt). A process of its own.
 */
import 'reflect-metadata';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { permissions } from '@aos/contracts';
import { AppModule } from '../src/app.module.js';
import { JobEndings, JobSubmission } from '../src/modules/jobs/index.js';
import { readEnvironment } from '../src/platform/config/environment.js';
import { Database } from '../src/platform/database/database.js';
import type { Ctx } from '../src/platform/http/context.js';

const [url, count] = [process.argv[2]!, Number(process.argv[3])];
const dataDir = await mkdtemp(join(tmpdir(), 'aos-bench-'));
const environment = readEnvironment({ AOS_DATA_DIR: dataDir, DATABASE_URL: url, AOS_DEMO: 'off' });
const database = await Database.open({ url });
const app = await NestFactory.createApplicationContext(AppModule.forRoot(environment, database), {
  logger: ['error'],
});
const submission = app.get(JobSubmission, { strict: false });
const waiting = new Map<string, (status: string) => void>();
app.get(JobEndings, { strict: false }).register('task', async (_tx, job, ending) => {
  waiting.get(job.id)?.(ending.status);
});

async function giveOne(n: number): Promise<void> {
  const ctx: Ctx = {
    actor: {
      kind: 'system',
      id: 'bench',
      name: 'bench',
      userId: null,
      grants: permissions.map((permission) => ({ permission, projectId: null })),
    },
    traceId: n.toString(16).padStart(32, '0'),
    ip: null,
  };
  const task = await submission.check(ctx, {
    spec: {
      goal: 'write one file',
      steps: [{ id: 'write', tool: 'env.files.write', args: { path: 'a.txt', content: 'a' } }],
    },
  });
  let told!: (status: string) => void;
  const ended = new Promise<string>((done) => (told = done));
  await database.transaction(async (tx) => {
    const { jobId } = await submission.submit(tx, ctx, task);
    waiting.set(jobId, told); // before the commit: it may be ended right after
  });
  const status = await ended;
  if (status !== 'succeeded') throw new Error(`a task ended as ${status}`);
}

let n = 1;
for (let warm = 0; warm < 5; warm++) await giveOne(n++);
const alone: number[] = [];
for (let done = 0; done < 20; done++) {
  const since = performance.now();
  await giveOne(n++);
  alone.push(performance.now() - since);
}
const since = performance.now();
await Promise.all(Array.from({ length: count }, () => giveOne(n++)));
const ms = performance.now() - since;
process.send!({
  p50: alone.sort((a, b) => a - b)[alone.length >> 1],
  perSecond: (count / ms) * 1000,
});
await app.close();
await database.close();
await rm(dataDir, { recursive: true, force: true });
process.disconnect();
