import { Injectable, Logger, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { say } from '@aos/contracts';
import type { NextFunction, Response } from 'express';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Wakeups } from '../outbox/wakeups.js';
import { Instruments } from '../telemetry/instruments.js';
import type { AosRequest } from './access.js';
import { AllowedAddresses } from './allowed-addresses.js';
import { ClientAddress } from './client-address.js';
import { AosError } from './problem.js';

const RECHECK_MS = 30_000;
/** Whoever does not read why the stream ends is cut off all the same. */
const PATIENCE_MS = 5_000;

/** How a stream says that it ends because of the address it goes to; a socket has a code of its own for it. */
export const ADDRESS_REFUSED = 'address not allowed';

/**
 * The probes, which tell nothing and are asked by whatever runs the process, and the console's files, which are the same
 * for everybody and have to say why nothing else is there. All else, `/metrics` and what OAuth clients read first too,
 * is for allowed addresses only.
 */
const isForAll = /^\/(?:health\/(?:live|ready)|console(?:\/.*)?)?$/;

/**
 * Who comes from an address that is not allowed is refused before anything is read of the request, also of a sign-in. What
 * stays open is asked for again when the list may have changed, and now and then in case the word of it was lost. Sockets
 * and the streams of /mcp ask here too, and end by themselves.
 */
@Injectable()
export class AddressGate implements OnApplicationShutdown {
  private readonly logger = new Logger(AddressGate.name);
  private readonly open = new Map<ServerResponse, IncomingMessage>();
  private readonly counted: (labels: { way: string }) => void;
  private readonly stopListening: () => void;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly client: ClientAddress,
    instruments: Instruments,
    wakeups: Wakeups,
    @Optional() private readonly allowed?: AllowedAddresses,
  ) {
    this.counted = instruments.counter(
      'aos_addresses_refused_total',
      'Requests from addresses that are not allowed, by way.',
    );
    this.stopListening = wakeups.on('control', () => void this.recheck());
    this.timer = setInterval(() => void this.recheck(), RECHECK_MS).unref();
  }

  onApplicationShutdown(): void {
    this.stopListening();
    clearInterval(this.timer);
  }

  admits(request: IncomingMessage): boolean | Promise<boolean> {
    return this.allowed?.admits(this.client.of(request)) ?? true;
  }

  /** Of a request that was turned away: counted, and what is told. It names nobody and nothing but the address. */
  refusal(address: string | null, way: 'http' | 'mcp' | 'ws'): AosError {
    this.counted({ way });
    return new AosError(
      'address_refused',
      say('address-refused', { address: address ?? say('address-unknown') }),
    );
  }

  /** In front of all routes. `refuse` answers where a route has words of its own for a refusal. */
  guard(
    refuse: (error: AosError, request: AosRequest, response: Response) => Promise<void> | undefined,
  ) {
    return (request: AosRequest, response: Response, next: NextFunction): void => {
      if (isForAll.test(request.path)) return next();
      const go = (isAllowed: boolean) => {
        if (isAllowed) {
          this.watch(request, response);
          return next();
        }
        const isMcp = /^\/mcp\/?$/i.test(request.path);
        const error = this.refusal(request.ctx.ip, isMcp ? 'mcp' : 'http');
        const told = refuse(error, request, response);
        if (told) told.catch(next);
        else next(error);
      };
      const answer = this.admits(request);
      if (typeof answer === 'boolean') go(answer);
      else answer.then(go, next);
    };
  }

  /** Answers that may stay open for long: what is read. `/mcp` knows which of its answers are streams. */
  private watch(request: AosRequest, response: Response): void {
    if (request.method !== 'GET' || request.path.startsWith('/mcp')) return;
    this.open.set(response, request);
    response.once('close', () => this.open.delete(response));
  }

  private async recheck(): Promise<void> {
    for (const [response, request] of [...this.open]) {
      try {
        if (!(await this.admits(request))) end(response);
      } catch (error) {
        this.logger.warn({ msg: 'an open answer could not be confirmed', err: error });
      }
    }
  }
}

function end(response: ServerResponse): void {
  const isStream = String(response.getHeader('content-type')).startsWith('text/event-stream');
  if (!isStream || !response.headersSent) return void response.destroy();
  endStream(response, `event: end\ndata: ${JSON.stringify({ reason: ADDRESS_REFUSED })}\n\n`);
}

/** Says why, and cuts it: it may have been in the middle of an answer, which nobody takes for whole then. */
export function endStream(response: ServerResponse, lastWords: string): void {
  const cut = () => response.destroy();
  response.write(lastWords, cut);
  const patience = setTimeout(cut, PATIENCE_MS).unref();
  response.once('close', () => clearTimeout(patience));
}
