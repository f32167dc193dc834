import type { AddressInfo, Server } from 'node:net';
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Environment } from '../config/environment.js';

/**
 * Under which names this server answers, and from which origins browsers may call it.
 *
 * A page of a foreign site can reach a server on the reader's own machine in two ways: by sending requests
 * to it (the Origin header gives it away, compared exactly, never by prefix), or by pointing a name of its
 * own at 127.0.0.1 (DNS rebinding: Origin then looks like our own, but the Host header does not). So the two
 * are checked apart.
 *
 *   on loopback            Host is localhost, 127.0.0.1 or [::1] with our port, or the public URL's.
 *   elsewhere, public URL  its host, or an address literal (a rebinding attack needs a name), or loopback.
 *   elsewhere, without     any Host: nothing tells which name is ours. Origin must then match Host.
 */
export class OwnAddress {
  private readonly publicUrl: URL | undefined;
  readonly isLoopback: boolean;
  private listensOn: number | undefined;

  constructor(
    private readonly environment: Pick<Environment, 'host' | 'port' | 'publicUrl'>,
    private readonly server: Pick<Server, 'address'>,
  ) {
    this.publicUrl = environment.publicUrl ? new URL(environment.publicUrl) : undefined;
    this.isLoopback = isLoopbackName(environment.host);
  }

  /** The port that is listened on; PORT may be 0 for any. */
  get port(): number {
    // Asked for by every request, and a question to the system each time.
    this.listensOn ??= (this.server.address() as AddressInfo | null)?.port;
    return this.listensOn ?? this.environment.port;
  }

  ownsHost(host: string | undefined): boolean {
    const parsed = parseHost(host);
    if (!parsed) return false;
    if (this.publicUrl && parsed.host === this.publicUrl.host.toLowerCase()) return true;
    if (isLoopbackName(parsed.name)) return !this.isLoopback || parsed.port === this.port;
    if (this.isLoopback) return false;
    return this.publicUrl === undefined || isIP(parsed.name.replace(/^\[|\]$/g, '')) !== 0;
  }

  /** Whether a browser page of this origin may call us. Compared whole: scheme, host and port. */
  ownsOrigin(origin: string, host: string | undefined): boolean {
    if (this.publicUrl && origin === this.publicUrl.origin) return true;
    return this.ownsHost(host) && (origin === `http://${host}` || origin === `https://${host}`);
  }

  /** For the upgrade of a WebSocket and for streams: the same two checks on a raw request. */
  admits(request: Pick<IncomingMessage, 'headers'>): boolean {
    const { host, origin } = request.headers;
    return this.ownsHost(host) && (origin === undefined || this.ownsOrigin(origin, host));
  }
}

/**
 * Node takes the first of two Host or Authorization headers; what stands before this server, and says who may ask what,
 * takes the other, perhaps.
 */
export function namedTwice({
  rawHeaders,
}: Pick<IncomingMessage, 'rawHeaders'>): 'host' | 'authorization' | undefined {
  let [hosts, authorizations] = [0, 0];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    else if (name.length === 13 && name.toLowerCase() === 'authorization') authorizations++;
  }
  return hosts > 1 ? 'host' : authorizations > 1 ? 'authorization' : undefined;
}

function parseHost(
  host: string | undefined,
): { host: string; name: string; port: number } | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i.exec(host ?? '');
  if (!match) return undefined;
  return { host: host!.toLowerCase(), name: match[1]!.toLowerCase(), port: Number(match[2] ?? 80) };
}

export const isLoopbackName = (name: string) =>
  ['localhost', '127.0.0.1', '::1', '[::1]'].includes(name.toLowerCase());
