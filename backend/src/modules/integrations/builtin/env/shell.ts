import { say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool } from '../tool.js';
import { findSandbox, runBoxed } from './sandbox.js';

const MAX_OUTPUT_BYTES = 1024 * 1024;

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
    truncated: z.boolean().describe('It wrote more than 1 MiB, and was stopped'),
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
    return {
      exitCode: result.timedOut || result.truncated ? null : result.exitCode,
      stdout: result.stdout.toString('utf8'),
      stderr: result.stderr.toString('utf8'),
      truncated: result.truncated,
      timedOut: result.timedOut,
    };
  },
});

export const shell: BuiltinTool[] = [shellExec];
