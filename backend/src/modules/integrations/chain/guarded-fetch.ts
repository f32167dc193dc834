import { Injectable } from '@nestjs/common';
import { type Agent, fetch } from 'undici';
import { type Said, inEnglish } from '@aos/contracts';
import { Settings } from '../../config/index.js';
import { addressRule } from '../builtin/env/addresses.js';
import { checkedUrl, guardedAgent } from '../builtin/env/http.js';
import { ToolFault } from '../builtin/tool.js';

const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 10_000;
const PORTS = [80, 443, 8080, 8443];

/** An address that a document or a setting named and that must not be asked. */
export class AddressRefused extends Error {
  override name = 'AddressRefused';

  constructor(
    /** The message by its code. */
    readonly said: Said,
    options?: ErrorOptions,
  ) {
    super(inEnglish(said), options);
  }
}

export interface GuardedRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS';
  headers?: Record<string, string>;
  body?: string | URLSearchParams;
  signal?: AbortSignal;
  maxBytes?: number;
  timeoutMs?: number;
}

export interface GuardedAnswer {
  status: number;
  headers: Headers;
  /** As UTF-8, without the mark that some begin with. */
  text: string;
  data: Buffer;
}

/** It answered, if with more than is taken: whoever asks for less gets it. */
export class AnswerTooLarge extends Error {
  override name = 'AnswerTooLarge';

  constructor(readonly most: number) {
    super(`the answer is larger than ${most} bytes`);
  }
}

/**
 * One request to an address that came from outside: keys of an issuer, a token endpoint, an operation of an
 * OpenAPI document. The gate is that of http.fetch: names are resolved and judged before a packet is sent, the
 * peer of the connection once more, and only http and https on the usual ports. What the settings allow by name
 * (`gateway.httpAllowAddresses`) may be reached on any port. Redirects are not followed: whoever answers with
 * one is asked for something else than was meant, and what the request carries was meant for the first address.
 */
@Injectable()
export class GuardedFetch {
  private kept: { key: string; agent: Agent; isAllowed: (address: string) => boolean } | undefined;

  constructor(private readonly settings: Settings) {}

  /** @throws AddressRefused; Error when nothing usable came back. */
  async request(address: string, request: GuardedRequest = {}): Promise<GuardedAnswer> {
    const { agent, url } = await this.gate(address);
    const timeout = AbortSignal.timeout(request.timeoutMs ?? TIMEOUT_MS);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    let response;
    try {
      response = await fetch(url, {
        method: request.method ?? 'GET',
        headers: { accept: 'application/json', ...request.headers },
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: 'manual',
        dispatcher: agent,
        signal,
      });
    } catch (error) {
      throw refusalIn(error) ?? error;
    }
    const data = await bounded(response.body, request.maxBytes ?? MAX_BYTES);
    const text = new TextDecoder().decode(data);
    return { status: response.status, headers: new Headers([...response.headers]), text, data };
  }

  /** The parsed answer. @throws when it is no JSON object, or the status is not 2xx. */
  async json(address: string, request: GuardedRequest = {}): Promise<Record<string, unknown>> {
    const { status, text } = await this.request(address, request);
    if (status < 200 || status > 299) throw new Error(`${hostOf(address)} answered with ${status}`);
    const value = JSON.parse(text) as unknown;
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      throw new Error(`${hostOf(address)} did not answer with a JSON object`);
    return value as Record<string, unknown>;
  }

  /** Judges an address as far as that goes without asking it. @throws AddressRefused */
  async check(address: string): Promise<void> {
    await this.gate(address);
  }

  private async gate(address: string): Promise<{ agent: Agent; url: URL }> {
    const { httpAllowAddresses } = (await this.settings.system()).gateway;
    const key = JSON.stringify(httpAllowAddresses);
    if (this.kept?.key !== key) {
      const isAllowed = addressRule(httpAllowAddresses);
      const old = this.kept?.agent;
      this.kept = { key, agent: guardedAgent(isAllowed), isAllowed };
      void old?.close(); // what is under way over it may end
    }
    const { agent, isAllowed } = this.kept;
    try {
      return {
        agent,
        url: checkedUrl(address, { isAllowed, ports: portsFor(address, isAllowed) }),
      };
    } catch (error) {
      throw refusalIn(error) ?? error;
    }
  }
}

/** An address that was allowed by name is somebody's own service, on whatever port. */
function portsFor(address: string, isAllowed: (address: string) => boolean): ReadonlySet<number> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const isOwn =
    addressRule([])(host) !== isAllowed(host) || (host === 'localhost' && isAllowed('127.0.0.1'));
  return new Set(isOwn && url?.port ? [...PORTS, Number(url.port)] : PORTS);
}

function refusalIn(error: unknown): AddressRefused | undefined {
  for (let at = error as { cause?: unknown } | undefined; at; at = at.cause as typeof at)
    if (at instanceof ToolFault) return new AddressRefused(at.said, { cause: error });
  return undefined;
}

async function bounded(body: AsyncIterable<Uint8Array> | null, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new AnswerTooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const hostOf = (address: string) => new URL(address).host;
