import { say } from '@aos/contracts';
import { z } from 'zod';
import { tool, ToolFault, type BuiltinTool } from '../tool.js';

const MAX_ROWS = 5_000;
const MAX_TIMEOUT_MS = 60_000;

const dbQuery = tool({
  name: 'db.query',
  title: 'Query the database',
  description:
    'Runs one SQL statement in a read-only transaction, as a role that sees no table of AOS itself. Values go into params, as $1, $2 and so on.',
  input: z.strictObject({
    sql: z.string().min(1).max(100_000),
    params: z
      .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .max(100)
      .optional(),
    maxRows: z.int().min(1).max(MAX_ROWS).optional().describe('Default 500'),
    timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional().describe('Default 10 s'),
  }),
  output: z.object({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.unknown())),
    rowCount: z.number().int(),
    truncated: z.boolean(),
  }),
  idempotent: true,
  readOnly: true,
  async run({ sql, params = [], maxRows = 500, timeoutMs = 10_000 }, ctx) {
    const statements = countStatements(sql);
    if (statements !== 1) {
      throw new ToolFault('one_statement', say('query-one-statement', { count: statements }));
    }
    const result = await ctx.queryReadOnly(sql, params, { maxRows, timeoutMs });
    return { ...result, rowCount: result.rows.length };
  },
});

export const db: BuiltinTool[] = [dbQuery];

/**
 * How many statements a text holds, semicolons in strings, names and comments aside. This is for a
 * clear answer to an honest mistake; what a statement may do is settled by the role and the READ ONLY
 * transaction it runs in, never by looking at its text.
 */
export function countStatements(sql: string): number {
  const skipped =
    /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(\$[A-Za-z_]*\$)[\s\S]*?\1/g;
  const bare = sql.replace(skipped, (piece) => (/^(--|\/\*)/.test(piece) ? ' ' : 'x'));
  return bare.split(';').filter((part) => part.trim() !== '').length;
}
