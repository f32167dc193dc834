import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type {
  CallToolResult,
  Client,
  InputRequiredResult,
  Transport,
} from '@modelcontextprotocol/client';
import { InMemoryTransport, type McpServer } from '@modelcontextprotocol/server';
import { connect } from './dial.js';
import type { Caller, ToolDefinition, Upstream, UpstreamRequest } from './upstream.js';
import { WarmClient } from './warm-client.js';

/** Names the caller of a call to a server in this process. The value is opaque and means nothing elsewhere. */
const CALLER_KEY = 'aos.dev/caller';

export type InProcessKind = 'builtin' | 'agent';
export type MakeServer = (name: string) => McpServer;

/**
 * Tool servers inside this process: real MCP servers, reached by the same client as all others over the
 * SDK's in-memory transport, so that there is one way to every tool. On whose behalf a call is made travels
 * beside the protocol: an opaque id in `_meta`, good for the length of the call, looked up here.
 */
@Injectable()
export class InProcessServers {
  private readonly makers = new Map<InProcessKind, MakeServer>();
  private readonly callers = new Map<string, Caller>();

  /** Called by who has the tools, when its module starts. */
  provide(kind: InProcessKind, make: MakeServer): void {
    this.makers.set(kind, make);
  }

  /** @throws Error when the call did not come through the gateway. */
  callerOf(meta: Record<string, unknown> | undefined): Caller {
    const caller = this.callers.get(String(meta?.[CALLER_KEY]));
    if (!caller) throw new Error('a tool of this process was called past the gateway');
    return caller;
  }

  upstream(kind: InProcessKind, name: string): Upstream {
    const warm = new WarmClient({
      server: name,
      dial: (_signal, prepare) => this.dial(kind, name, prepare),
    });
    const callers = this.callers;
    return {
      list: (options): Promise<ToolDefinition[]> => warm.list(options),
      request: (request) => warm.request(request),
      items: (list, options) => warm.items(list, options),
      subscribe: (uri) => warm.subscribe(uri),
      unsubscribe: (uri) => warm.unsubscribe(uri),
      about: (options) => warm.about(options),
      probe: (timeoutMs) => warm.probe(timeoutMs),
      close: () => warm.close(),
      async call(request: UpstreamRequest): Promise<CallToolResult | InputRequiredResult> {
        const id = randomUUID();
        callers.set(id, request.caller);
        try {
          return await warm.call({ ...request, meta: { ...request.meta, [CALLER_KEY]: id } });
        } finally {
          callers.delete(id);
        }
      },
    };
  }

  private async dial(kind: InProcessKind, name: string, prepare: (client: Client) => void) {
    const make = this.makers.get(kind);
    if (!make) throw new Error(`nothing in this process serves ${kind} tools`);
    const [here, there] = InMemoryTransport.createLinkedPair();
    await make(name).connect(there);
    return connect(here as Transport, 'legacy', { prepare });
  }
}
