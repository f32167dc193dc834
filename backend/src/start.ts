import { createServer } from 'node:net';
import { type Environment, StartRefused, readEnvironment } from './platform/config/environment.js';
import { MasterKey } from './platform/config/master-key.js';
import { lockDataFolder, prepareDataFolder } from './platform/database/folder-lock.js';
import type { Running } from './serve.js';

/** A stop that takes longer than this is cut off: leases run out by themselves and another process goes on. */
const STOP_LIMIT_MS = 30_000;

/**
 * Starts one process of AOS and keeps it until a signal. What makes a start impossible (a wrong variable,
 * a taken port, a locked folder, an unreachable database) is told in one line, with exit code 1.
 */
export async function main(): Promise<void> {
  try {
    const running = await start(readEnvironment(process.env));
    stopOnSignals(running);
  } catch (error) {
    if (!(error instanceof StartRefused)) throw error;
    for (const line of error.message.split('\n')) console.error(`AOS cannot start: ${line}`);
    process.exit(1);
  }
}

/** What makes a start impossible is looked for first: the rest of the program takes two seconds to load. */
async function start(environment: Environment): Promise<Running> {
  await requireFreePort(environment);
  await prepareDataFolder(environment.dataDir);
  const unlock = environment.databaseUrl ? undefined : await lockDataFolder(environment.dataDir);
  try {
    MasterKey.load(environment); // a wrong one is told before a database is made under it
    const { serve } = await import('./serve.js');
    const running = await serve(environment);
    const stop = async () => {
      await running.stop();
      await unlock?.();
    };
    return { stop };
  } catch (error) {
    await unlock?.().catch(() => undefined); // the first error is told
    throw error;
  }
}

function stopOnSignals(running: Running): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals) => {
    // One Ctrl-C arrives more than once: from the terminal and from each parent that passes it on.
    // Only a second one, a moment later, means "at once".
    const isRepeat = askedAt !== undefined;
    if (isRepeat && performance.now() - askedAt! > 1_000) process.exit(1);
    if (isRepeat) return;
    askedAt = performance.now();
    console.log(`\n${signal}: finishing what is under way…`);
    setTimeout(() => {
      console.error(
        'Stopping took too long; what was under way will be taken up again at the next start.',
      );
      process.exit(1);
    }, STOP_LIMIT_MS).unref();
    running.stop().then(
      () => {
        console.log('AOS has stopped.');
        process.exit(0);
      },
      (error: unknown) => {
        console.error('Stopping failed:', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

/** Asked before anything is opened, so that a taken port costs no wait. */
async function requireFreePort({ port, host, roles }: Environment): Promise<void> {
  if (port === 0 || !roles.has('api')) return;
  const probe = createServer();
  await new Promise<void>((done, fail) => probe.once('error', fail).listen(port, host, done)).catch(
    (cause: NodeJS.ErrnoException) => {
      const why: Record<string, string> = {
        EADDRINUSE: `Port ${port} on ${host} is taken. Stop what uses it, or set PORT to another.`,
        EACCES: `Port ${port} on ${host} may not be used by this user. Set PORT to one above 1023.`,
        EADDRNOTAVAIL: `HOST ${host} is not an address of this machine.`,
        ENOTFOUND: `HOST ${host} cannot be resolved.`,
      };
      throw new StartRefused(
        why[cause.code ?? ''] ?? `Cannot listen on ${host}:${port}: ${cause.message}`,
        { cause },
      );
    },
  );
  await new Promise((done) => probe.close(done));
}
