import type { PatchServer, RegisterServer } from '@aos/contracts';
import { ServerPlaceFixed } from '../integrations.errors.js';
import type { ServerRow } from '../registry.js';

/** The way to a server as it would be after a change: what a registration of it would say. */
export type MovedRoute = Pick<
  RegisterServer,
  'name' | 'transport' | 'url' | 'command' | 'args' | 'auth'
>;

/**
 * @returns undefined when the change leaves the way as it is.
 * @throws ServerPlaceFixed for a server that has no such place, as a built-in one
 */
export function movedRoute(row: ServerRow, input: PatchServer): MovedRoute | undefined {
  const { url, command, args, auth } = input;
  if ([url, command, args, auth].every((each) => each === undefined)) return undefined;
  const { name, transport } = row;
  if (transport !== 'http' && transport !== 'sse' && transport !== 'stdio')
    throw new ServerPlaceFixed(name, transport);
  const isProcess = transport === 'stdio';
  if (isProcess ? url !== undefined : command !== undefined || args !== undefined)
    throw new ServerPlaceFixed(name, transport);
  const kept = row.auth ?? (row.auth_token === null ? undefined : { secret: row.auth_token });
  const signsIn = auth === undefined ? kept : (auth ?? undefined);
  const place = isProcess
    ? { command: command ?? row.command ?? '', args: args ?? row.args }
    : { url: url ?? row.base_url };
  return { name, transport, ...place, ...(signsIn && { auth: signsIn }) };
}
