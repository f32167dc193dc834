import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { Registry } from '../registry.js';
import type { CallEnd } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** Which tool: the server is known and switched on, and the tool is one of its kept definitions. */
@Injectable()
export class ToolLink implements Link {
  readonly name = 'tool';

  constructor(private readonly registry: Registry) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    passage.target = await this.registry.target(passage.call.server, passage.call.tool);
    return next();
  }

  async preview(passage: Passage): Promise<Foresight> {
    const { call } = passage;
    passage.target = await this.registry.target(call.server, call.tool);
    const { server } = passage.target;
    return {
      verdict: 'pass',
      says: say('link-reached', {
        server: server.name,
        transport: server.transport,
        health: say(`health-${server.health.state}`),
      }),
    };
  }
}
