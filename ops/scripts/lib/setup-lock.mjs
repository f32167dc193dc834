import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { note } from './progress.mjs';
import { inRoot } from './workspace.mjs';

const HELD_BY_DEAD_HOST_AFTER_MS = 30 * 60_000;

/**
 * Runs `work` while no other start installs or builds in this checkout. A lock whose holder is dead is
 * taken over; one held by another machine (a shared disk) after half an hour.
 */
export async function withSetupLock(work, file = inRoot('.cache/setup.lock')) {
  mkdirSync(dirname(file), { recursive: true });
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), at: Date.now() });
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = read(file);
    if (holder && !isAlive(holder)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told)
      note(
        `Another start (process ${holder?.pid ?? '?'}) is preparing this checkout; waiting for it.`,
      );
    told = true;
    await sleep(300);
  }
  const release = () => {
    if (read(file)?.pid === process.pid) rmSync(file, { force: true });
  };
  const onSignal = (signal) => {
    release();
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    process.off('exit', release);
    release();
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // just released, or just being written
  }
}

function isAlive({ pid, host, at }) {
  if (host !== hostname()) return Date.now() - at < HELD_BY_DEAD_HOST_AFTER_MS;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
