import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inRoot, pinnedNode } from './workspace.mjs';

/** True when this very process runs on the Node that the repository brings along. */
export function isPinnedNode() {
  const { version } = JSON.parse(readFileSync(inRoot('node_modules/node/package.json'), 'utf8'));
  return process.versions.node === version;
}

/**
 * Goes on as another program on the pinned Node, as nearly as this Node can.
 *
 * Where Node has `process.execve` (22.15 and later, not on Windows) the process is replaced and signals
 * arrive by themselves. Elsewhere a child is started in the same process group, so that killing the group
 * leaves nothing behind, and signals are handed on.
 */
export function becomeNode(args, env = process.env) {
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(pinnedNode, [pinnedNode, ...args], env);
  }
  superviseChild(spawn(pinnedNode, args, { stdio: 'inherit', env }));
}

const AGAIN_AFTER_MS = 2_000;

function superviseChild(child) {
  const lastAt = new Map();
  const forward = (signal) => {
    // npm hands on what the terminal has already sent to everyone: the same signal comes twice.
    const now = Date.now();
    const repeated = now - (lastAt.get(signal) ?? 0) < AGAIN_AFTER_MS;
    lastAt.set(signal, now);
    if (repeated || (signal !== 'SIGTERM' && isInForeground())) return;
    child.kill(signal);
  };
  const signals =
    process.platform === 'win32' ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => forward(signal));
  child.once('error', (error) => {
    console.error(
      `AOS: ${pinnedNode} does not start: ${error.message}\nRun \`npm ci\` and try again.`,
    );
    process.exitCode = 1;
  });
  child.once('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal); // die as the server did
  });
}

/** True when a terminal's Ctrl-C reaches the server without us: our process group is the terminal's own. */
function isInForeground() {
  try {
    // Fields after the name in brackets: state, ppid, pgrp, session, tty, tpgid.
    const [, , pgrp, , , tpgid] = readFileSync('/proc/self/stat', 'utf8')
      .split(') ')
      .pop()
      .split(' ');
    return pgrp === tpgid;
  } catch {
    return Boolean(process.stdin.isTTY); // macOS, Windows: no /proc
  }
}
