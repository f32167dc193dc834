import type { ToolDefinition } from '../upstreams/upstream.js';

const KEY = 'x-mcp-header';
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const primitives = new Set(['string', 'integer', 'boolean']);

/**
 * What is wrong with the headers that a tool wants its arguments sent in (2026-07-28, schema extension), or
 * undefined. A name with a line break would put headers of its own into a request; two names that differ in
 * case are one header. A tool with such a fault is left out, and the others of its server are kept.
 */
export function headerFault(definition: ToolDefinition): string | undefined {
  const seen = new Set<string>();
  const visit = (node: unknown, isReachable: boolean): string | undefined => {
    if (node === null || typeof node !== 'object') return undefined;
    const schema = node as Record<string, unknown>;
    if (!Array.isArray(node) && Object.hasOwn(schema, KEY)) {
      const fault = isReachable ? faultOf(schema, seen) : 'stands where no header may be asked for';
      if (fault) return fault;
    }
    for (const [key, child] of Object.entries(schema)) {
      if (key === KEY) continue;
      const isProperties = key === 'properties' && !Array.isArray(node);
      const fault = isProperties ? inProperties(child, isReachable) : visit(child, false);
      if (fault) return fault;
    }
    return undefined;
  };
  const inProperties = (properties: unknown, isReachable: boolean): string | undefined => {
    if (properties === null || typeof properties !== 'object') return undefined;
    for (const child of Object.values(properties)) {
      const fault = visit(child, isReachable);
      if (fault) return fault;
    }
    return undefined;
  };
  const { [KEY]: ofWhole, ...schema } = definition.inputSchema as Record<string, unknown>;
  return ofWhole === undefined ? visit(schema, true) : 'stands where no header may be asked for';
}

function faultOf(schema: Record<string, unknown>, seen: Set<string>): string | undefined {
  const name = schema[KEY];
  if (typeof name !== 'string' || !token.test(name)) return 'is not the name of a header';
  if (typeof schema['type'] !== 'string' || !primitives.has(schema['type']))
    return `stands on a ${typeof schema['type'] === 'string' ? schema['type'] : 'value of any type'}`;
  if (seen.has(name.toLowerCase())) return 'is named twice';
  seen.add(name.toLowerCase());
  return undefined;
}
