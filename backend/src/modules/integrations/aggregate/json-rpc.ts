/** An error in JSON-RPC for a request that no server of the SDK was made for. */
export const refused = (
  status: number,
  message: string,
  headers: Record<string, string> = {},
  id: string | number | null = null,
): Response =>
  Response.json(
    { jsonrpc: '2.0', error: { code: -32000, message }, id },
    { status, headers: { 'cache-control': 'no-store', ...headers } },
  );

/** The id of a request, where one can be read. */
export function idOf(body: unknown): string | number | null {
  if (body === null || typeof body !== 'object' || Array.isArray(body)) return null;
  const { id, method } = body as { id?: unknown; method?: unknown };
  return typeof method === 'string' && (typeof id === 'string' || typeof id === 'number')
    ? id
    : null;
}
