import { spawn } from 'node:child_process';
import { root } from './workspace.mjs';

const KEPT = 256 * 1024;
const active = new Set();

// What this process started does not outlive it, however it ends.
process.on('exit', () => {
  for (const child of active) child.kill('SIGTERM');
});

/** Runs a program to its end with its output kept: { code, signal, output }. Never throws. */
export function run(command, args, { cwd = root, env = process.env, shell = false, onData } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, {
      cwd,
      env,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
    active.add(child);
    const keep = (chunk) => {
      onData?.(chunk);
      output = (output + chunk).slice(-KEPT);
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    const finish = (result) => {
      active.delete(child);
      resolve(result);
    };
    child.once('error', (error) =>
      finish({ code: -1, signal: null, output: `${output}${error.message}` }),
    );
    child.once('close', (code, signal) => finish({ code, signal, output }));
  });
}

/** The last lines of a program's output, without colour and blank lines. */
export function tailOf(output, lines = 25) {
  const plain = output.replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
  return plain
    .split(/\r?\n/)
    .filter((line) => line.trim())
    .slice(-lines)
    .join('\n');
}
