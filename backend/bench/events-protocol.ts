/** What the processes of bench:events say to each other. Times are process.hrtime, which they share. */
export type Order =
  | { op: 'listen'; adminUrl: string; database: string }
  | { op: 'write'; perSecond: number; seconds: number }
  | { op: 'connect'; port: number; clients: number }
  | { op: 'forget' }
  | { op: 'tell'; committedAt: [number: number, ms: number][] };

export interface Answer {
  port?: number;
  /** By the number that each event carries, when its COMMIT was sent. */
  committedAt?: [number: number, ms: number][];
  result?: { p50: number; p99: number; lost: number };
  error?: string;
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

export function answerOrders(handle: (order: Order) => Promise<Answer>): void {
  process.on('message', (order: Order) => {
    handle(order).then(
      (answer) => process.send!(answer),
      (error: Error) => process.send!({ error: `${error.stack}` } satisfies Answer),
    );
  });
  process.on('disconnect', () => process.exit());
}

let number = 0;

/** Where the machine cannot keep the rate up, the writers wait: a queue without end measures only itself. */
const MOST_AT_ONCE = 64;

/**
 * Writes at a steady rate, each event in a transaction of its own, whether or not the one before has ended.
 * `write` calls back right before it sends COMMIT.
 */
export async function writeSteadily(
  perSecond: number,
  seconds: number,
  write: (number: number, commits: () => void) => Promise<void>,
): Promise<[number, number][]> {
  const committedAt: [number, number][] = [];
  const writes = new Set<Promise<void>>();
  const startedAt = nowMs();
  for (let sent = 0; sent < perSecond * seconds && nowMs() < startedAt + 2_000 * seconds;) {
    const due = Math.min(
      Math.floor(((nowMs() - startedAt) * perSecond) / 1000) + 1,
      perSecond * seconds,
    );
    for (; sent < due && writes.size < MOST_AT_ONCE; sent++) {
      const n = ++number;
      const writing: Promise<void> = write(n, () => committedAt.push([n, nowMs()])).finally(() =>
        writes.delete(writing),
      );
      writes.add(writing);
    }
    if (sent < due) await Promise.race(writes);
    const wait = startedAt + (sent * 1000) / perSecond - nowMs();
    await new Promise<void>((resolve) => setTimeout(resolve, Math.max(0, wait)));
  }
  await Promise.all(writes);
  return committedAt;
}

/** The same event for all: about 500 bytes on the wire. */
export const benchEvent = (n: number) => ({
  traceId: `bench-${n % 50}`,
  topic: 'task' as const,
  type: 'task.progress.milestone' as const,
  summary: 'Cleaned 10,000 rows: 9,871 kept, 129 set aside with the reason.',
  payload: { n, step: 'clean', tool: 'skills.csv.clean', rowsIn: 10_000, rowsOut: 9_871 },
  links: [{ rel: 'trace' as const, href: `/monitor/traces/bench-${n % 50}`, title: 'Open trace' }],
});
