import type { Tool } from '@modelcontextprotocol/client';

const known = new WeakMap<Tool['inputSchema'], boolean>();

/** Whether arguments of the tool travel in headers as well (`x-mcp-header`); how, the SDK knows. */
export function mirrorsArguments({ inputSchema }: Pick<Tool, 'inputSchema'>): boolean {
  let does = known.get(inputSchema);
  if (does === undefined) {
    does = JSON.stringify(inputSchema).includes('x-mcp-header');
    known.set(inputSchema, does);
  }
  return does;
}
