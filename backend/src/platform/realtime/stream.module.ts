import { Global, Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import type { Environment } from '../config/environment.js';
import { Relay } from '../outbox/relay.js';
import { Wakeups } from '../outbox/wakeups.js';
import { ENVIRONMENT } from '../platform.module.js';
import { EventHub } from './event-hub.js';
import { EventTail } from './event-tail.js';
import { StreamController } from './stream.controller.js';
import { StreamGateway } from './stream.gateway.js';

/**
 * Relay, tail and streams. The tail starts before the relay, so that it misses none of the relay's first
 * hand-overs. The Authenticator comes from a global module.
 */
@Global()
@Module({
  controllers: [StreamController],
  providers: [Relay, EventTail, EventHub, StreamGateway],
  exports: [Relay, EventTail, EventHub],
})
export class PlatformStreamModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    private readonly relay: Relay,
    private readonly tail: EventTail,
    private readonly hub: EventHub,
    private readonly wakeups: Wakeups,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.wakeups.listen();
    if (this.environment.roles.has('api')) {
      await this.tail.start();
      this.hub.start();
    }
    if (this.environment.roles.has('relay')) {
      this.wakeups.epoch ??= await this.relay.epoch(); // a tail knows it already
      this.relay.start();
    }
  }
}
