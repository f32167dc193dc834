import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Environment } from '../config/environment.js';
import { ENVIRONMENT } from '../platform.module.js';
import { AddressList, plainAddress } from './address-list.js';

type Received = Pick<IncomingMessage, 'headers' | 'socket'>;

/**
 * Whom a request comes from: for the audit, the pauses at sign-in, and the list of allowed addresses alike.
 *
 * Anybody can write `X-Forwarded-For`. It counts only where the one that is connected is a trusted proxy (AOS_TRUSTED_PROXIES),
 * and is read from the right, where each proxy wrote whom it heard from: the first that is not a trusted proxy itself is
 * the client, whatever it wrote to the left of it. Express would take more from such a proxy (the protocol, the host),
 * so its own setting is left alone.
 */
@Injectable()
export class ClientAddress {
  private readonly trusted: AddressList;

  constructor(@Inject(ENVIRONMENT) environment: Pick<Environment, 'trustedProxies'>) {
    this.trusted = new AddressList(environment.trustedProxies);
  }

  /** Null where it cannot be told: the connection is gone, or a trusted proxy wrote something that is no address. */
  of(request: Received): string | null {
    let address = plainAddress(request.socket.remoteAddress);
    for (const hop of hopsOf(request)) {
      if (address === null || !this.trusted.has(address)) break;
      address = plainAddress(withoutPort(hop));
    }
    return address;
  }

  /** Whether somebody who is not trusted says that it passed the request on: a proxy that nobody named, or a forger. */
  ignoresHeaderOf(request: Received): boolean {
    const peer = plainAddress(request.socket.remoteAddress);
    return hopsOf(request).length > 0 && (peer === null || !this.trusted.has(peer));
  }
}

/** The nearest first. */
function hopsOf({ headers }: Received): string[] {
  const text = String(headers['x-forwarded-for'] ?? '').trim();
  return text === '' ? [] : text.split(',').reverse();
}

/** Some proxies write it along: `203.0.113.7:51312`, `[2001:db8::1]:51312`. */
const withoutPort = (hop: string) =>
  hop.trim().replace(/^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/, '$1$2');
