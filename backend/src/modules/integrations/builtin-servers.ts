import { env } from './builtin/env/index.js';
import { skills } from './builtin/skills/index.js';
import type { BuiltinTool } from './builtin/tool.js';

/** The tool servers that come with AOS, by name. */
export type BuiltinServers = Readonly<
  Record<string, { description: string; tools: readonly BuiltinTool[] }>
>;

/** Injection token, so that the host knows the tools without importing them. */
export const BUILTIN_SERVERS = Symbol('BUILTIN_SERVERS');

export const builtinServers: BuiltinServers = {
  env: {
    description:
      'Env-MCP: files, git, http, database and shell, each confined to the workspace of the run.',
    tools: env,
  },
  skills: {
    description:
      'Work with tables, charts and reports: csv.profile, csv.clean, viz.plot, text.report.',
    tools: skills,
  },
};
