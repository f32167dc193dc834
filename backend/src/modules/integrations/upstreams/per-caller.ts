import type { Principal } from '../../../platform/http/context.js';
import type { ListKind, OtherRequest, Upstream, UpstreamRequest } from './upstream.js';

interface Connection {
  upstream: Upstream;
  usedAt: number;
  /** Requests under way. */
  open: number;
}

const MOST = 200;
const IDLE_MS = 10 * 60_000;

/**
 * A server to which each caller has a connection of their own, since it is signed in to as that caller. What
 * nobody in particular asks for (the lists, whether it is there) goes over a connection of AOS itself, and so do the
 * health of the server and word of its changes. Connections that nobody has used for a while are closed when
 * another is made; one that is in use never is.
 */
export class PerCaller implements Upstream {
  private readonly own: Upstream;
  private readonly connections = new Map<string, Connection>();

  /** `connect` is given nobody for AOS's own. */
  constructor(private readonly connect: (as: Principal | undefined) => Upstream) {
    this.own = connect(undefined);
  }

  call(request: UpstreamRequest) {
    return this.over(request.caller.ctx.actor, (upstream) => upstream.call(request));
  }

  request(request: OtherRequest) {
    return this.over(request.actor, (upstream) => upstream.request(request));
  }

  list(options: { timeoutMs: number; signal?: AbortSignal }) {
    return this.own.list(options);
  }

  items(kind: ListKind, options: { timeoutMs: number }) {
    return this.own.items(kind, options);
  }

  subscribe(uri: string) {
    return this.own.subscribe(uri);
  }

  unsubscribe(uri: string) {
    this.own.unsubscribe(uri);
  }

  about(options: { timeoutMs: number }) {
    return this.own.about(options);
  }

  probe(timeoutMs: number) {
    return this.own.probe(timeoutMs);
  }

  async close(): Promise<void> {
    const all = [this.own, ...[...this.connections.values()].map(({ upstream }) => upstream)];
    this.connections.clear();
    await Promise.all(all.map((upstream) => upstream.close()));
  }

  private async over<T>(actor: Principal, work: (upstream: Upstream) => Promise<T>): Promise<T> {
    const connection = this.of(actor);
    connection.open++;
    try {
      return await work(connection.upstream);
    } finally {
      connection.open--;
      connection.usedAt = performance.now();
    }
  }

  private of(actor: Principal): Connection {
    const known = this.connections.get(actor.id);
    if (known) return known;
    this.letGo();
    const connection = { upstream: this.connect(actor), usedAt: performance.now(), open: 0 };
    this.connections.set(actor.id, connection);
    return connection;
  }

  private letGo(): void {
    const free = [...this.connections]
      .filter(([, { open }]) => open === 0)
      .sort(([, a], [, b]) => a.usedAt - b.usedAt);
    const before = performance.now() - IDLE_MS;
    const tooMany = this.connections.size + 1 - MOST;
    for (const [at, [id, { upstream, usedAt }]] of free.entries()) {
      if (usedAt >= before && at >= tooMany) return;
      this.connections.delete(id);
      upstream.close().catch(() => undefined); // it is given up; that its farewell fails changes nothing
    }
  }
}
