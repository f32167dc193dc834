import { say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool } from '../tool.js';
import { findSandbox, runBoxed } from './sandbox.js';

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** Somewhat less than the gateway takes. */
const MAX_ANSWER_BYTES = 1_000_000;

const shellExec = tool({
  name: 'shell.exec',
  title: 'Run a command',
  description:
    'Runs a shell command in a sandbox: no network, no files but the workspace (at /workspace) and the system programs, limited time, memory and output.',
  input: z.strictObject({
    command: z.string().min(1).max(50_000),
    timeoutMs: z.int().min(100).max(600_000).optional().describe('Default 30 s'),
  }),
  output: z.object({
    exitCode: z.number().int().nullable().describe('null when it was killed'),
    stdout: z.string(),
    stderr: z.string(),
    truncated: z
      .boolean()
      .describe('There was more than an answer holds; what writes more than 1 MiB is stopped'),
    timedOut: z.boolean(),
  }),
  idempotent: false,
  readOnly: false,
  async run({ command, timeoutMs = 30_000 }, ctx) {
    if (command.includes('\u0000')) {
      throw new ToolFault('bad_command', say('shell-nul'));
    }
    const sandbox = await findSandbox();
    if (!sandbox.isReady) throw new ToolFault('shell_unavailable', sandbox.reason);
    const result = await runBoxed(
      sandbox.bwrap,
      ctx.workspace,
      { argv: ['/bin/sh', '-c', command] },
      { timeoutMs, maxOutputBytes: MAX_OUTPUT_BYTES, signal: ctx.signal },
    );
    const written = fitting(result.stdout.toString('utf8'), result.stderr.toString('utf8'));
    return {
      exitCode: result.timedOut || result.truncated ? null : result.exitCode,
      stdout: written.stdout,
      stderr: written.stderr,
      truncated: result.truncated || written.isCut,
      timedOut: result.timedOut,
    };
  },
});

/** The beginnings of both, as much of them as an answer may hold, in which they stand as data and as text. */
function fitting(stdout: string, stderr: string) {
  let [out, err] = [stdout, stderr];
  for (;;) {
    const data = JSON.stringify([out, err]);
    const bytes = Buffer.byteLength(data) + Buffer.byteLength(JSON.stringify(data));
    if (bytes <= MAX_ANSWER_BYTES) break;
    const part = (0.95 * MAX_ANSWER_BYTES) / bytes;
    [out, err] = [begun(out, part), begun(err, part)];
  }
  return { stdout: out, stderr: err, isCut: out !== stdout || err !== stderr };
}

/** No pair of code units is cut in two. */
const begun = (text: string, part: number) =>
  text.slice(0, Math.floor(text.length * part)).replace(/[\uD800-\uDBFF]$/, '');

export const shell: BuiltinTool[] = [shellExec];
