import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import type { ImportServers } from '@aos/contracts';
import type { CodeFault } from '../../../shared/ui/code-editor';

export type ReadSettings = { document: Record<string, unknown> } | { faults: CodeFault[] };

/** What of them the server reads; VS Code's own settings hold it one level deeper. */
export function serversOf(
  document: Record<string, unknown>,
): Pick<ImportServers, 'mcpServers' | 'servers'> {
  const { mcpServers, servers, mcp } = document as Record<string, ServersByName | undefined>;
  if (mcpServers !== undefined) return { mcpServers };
  const found = servers ?? (mcp?.['servers'] as ServersByName | undefined);
  return found === undefined ? {} : { servers: found };
}
type ServersByName = Record<string, unknown>;

/** The settings of another program: JSON, with comments and trailing commas as VS Code writes it. */
export function readSettings(text: string): ReadSettings {
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  if (errors.length > 0)
    return {
      faults: errors.map(({ error, offset, length }) => ({
        from: offset,
        to: offset + Math.max(1, length),
        message: printParseErrorCode(error),
      })),
    };
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { document: value as Record<string, unknown> }
    : { faults: [{ from: 0, to: text.length, message: 'ValueExpected' }] };
}
