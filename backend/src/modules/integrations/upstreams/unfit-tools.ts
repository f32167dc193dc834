import { type Client, type Transport, specTypeSchemas } from '@modelcontextprotocol/client';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import type { ToolDefinition } from './upstream.js';

const KEY = 'aos.dev/unfit';
const MOST_TOLD = 3;
const LONGEST = 300;
export const MAX_DEFINITION_DEPTH = 200;

/**
 * Keeps one tool that does not fit the protocol from costing its server all the others.
 *
 * The SDK's client holds a list of tools against the schema of the connection's revision as a whole, and refuses it for
 * one entry: an `inputSchema` that is a string, no name. So each entry is looked at before the client sees the list, and
 * one that it would refuse is replaced by an empty tool of its name with the mark that says why (see `unfitOf`). In that
 * way it travels through the client's pages as any other, and who reads the list leaves it out and tells of it.
 *
 * To be called once the client is connected: what revision is spoken is known then, and no list was asked for before.
 */
export function markUnfitTools(transport: Transport, client: Client): void {
  const take = transport.onmessage;
  transport.onmessage = (message, extra) => {
    const result = 'result' in message ? message.result : undefined;
    if (!Array.isArray(result?.['tools'])) return take?.(message, extra);
    const isModern = client.getProtocolEra() === 'modern';
    const tools = result['tools'].map((tool) => fitting(tool, isModern));
    take?.({ ...message, result: { ...result, tools } } as typeof message, extra);
  };
}

/** Why the server's own definition could not be taken; undefined of one that is as its server told it. */
export function unfitOf(definition: ToolDefinition): string | undefined {
  const why = definition._meta?.[KEY];
  return typeof why === 'string' ? why : undefined;
}

function fitting(tool: unknown, isModern: boolean): unknown {
  const why = faultsOf(tool, isModern);
  if (why === undefined) return tool;
  const name = (tool as { name?: unknown } | null)?.name;
  return {
    name: typeof name === 'string' ? name : '',
    inputSchema: { type: 'object' },
    _meta: { [KEY]: why.slice(0, LONGEST) },
  };
}

/** By the SDK's schema of a tool, and by what the two revisions ask beyond it. */
function faultsOf(tool: unknown, isModern: boolean): string | undefined {
  if (isDeeperThan(tool, MAX_DEFINITION_DEPTH)) return 'it is nested too deeply';
  const faults = told(tool);
  if (faults !== undefined) return faults;
  const { inputSchema, outputSchema } = tool as ToolDefinition;
  if (isModern)
    return ['string', 'undefined'].includes(typeof inputSchema['$schema'])
      ? undefined
      : 'inputSchema.$schema: no string';
  // Before 2026-07-28 what comes out had to be an object, as what goes in.
  const asInput = outputSchema && told({ name: '', inputSchema: outputSchema });
  return asInput?.replaceAll('inputSchema', 'outputSchema');
}

function told(tool: unknown): string | undefined {
  const checked = specTypeSchemas.Tool['~standard'].validate(tool);
  if (!('issues' in checked) || !checked.issues) return undefined;
  return checked.issues
    .slice(0, MOST_TOLD)
    .map(({ path, message }) => `${path?.map(String).join('.') || 'the whole'}: ${message}`)
    .join('; ');
}
