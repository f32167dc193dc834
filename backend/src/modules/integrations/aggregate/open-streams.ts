import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { ADDRESS_REFUSED, AddressGate, endStream } from '../../../platform/http/address-gate.js';
import type { AosRequest } from '../../../platform/http/access.js';
import { Authenticator } from '../../../platform/http/authenticator.js';
import type { Principal } from '../../../platform/http/context.js';
import { OutsideTokens } from '../../../platform/http/outside-tokens.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';

const RECHECK_MS = 30_000;

/**
 * Answers that stay open. Who was let in when a stream began may have lost the right since: when sessions,
 * tokens or roles change, and now and then in case the word was lost, every open one is asked for again with
 * the request that opened it. While nobody can be asked, streams stay.
 */
@Injectable()
export class OpenStreams implements OnApplicationShutdown {
  private readonly logger = new Logger(OpenStreams.name);
  private readonly open = new Map<ServerResponse, AosRequest>();
  private readonly stopListening: () => void;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly people: Authenticator,
    private readonly outside: OutsideTokens,
    private readonly gate: AddressGate,
    wakeups: Wakeups,
  ) {
    this.stopListening = wakeups.on('control', () => void this.recheck());
    this.timer = setInterval(() => void this.recheck(), RECHECK_MS).unref();
  }

  onApplicationShutdown(): void {
    this.stopListening();
    clearInterval(this.timer);
  }

  add(request: AosRequest, response: ServerResponse): void {
    this.open.set(response, request);
    response.once('close', () => this.open.delete(response));
  }

  closeAll(): void {
    for (const response of this.open.keys()) response.destroy();
  }

  private async ask(request: AosRequest): Promise<Principal | undefined> {
    const principal = await this.people.authenticate(request);
    const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
    return principal ?? (token === undefined ? undefined : this.outside.identify(token));
  }

  private async recheck(): Promise<void> {
    for (const [response, request] of [...this.open]) {
      try {
        if (!(await this.gate.admits(request))) {
          endStream(response, `: ${ADDRESS_REFUSED}\n\n`); // a comment: there is no message for it
          continue;
        }
        const principal = await this.ask(request);
        const may = principal?.grants.some(
          ({ permission }) => permission === 'tool.read' || permission === 'tool.call',
        );
        if (!may || principal?.id !== request.ctx.actor.id) response.destroy();
      } catch (error) {
        this.logger.warn({ msg: 'an open stream could not be confirmed', err: error });
      }
    }
  }
}
