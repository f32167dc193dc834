import type { BuiltinTool } from '../tool.js';
import { db } from './db.js';
import { files } from './files.js';
import { gitTools } from './git.js';
import { httpTools, type HttpFetchOptions } from './http.js';
import { shell } from './shell.js';

export type { HttpFetchOptions } from './http.js';

/** The tools of the `env` server. `options` widen the ports that http.fetch may reach, and nothing else. */
export function createEnv(options: HttpFetchOptions = {}): BuiltinTool[] {
  return [...files, ...httpTools(options), ...gitTools, ...db, ...shell];
}

export const env: BuiltinTool[] = createEnv();
