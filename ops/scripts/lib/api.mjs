import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Stop } from './progress.mjs';

const RETRY_PAUSES_MS = [250, 1_000, 3_000];

/** An answer that is not a success, with the problem document that AOS sends (RFC 9457). */
export class Refused extends Error {
  constructor(method, path, status, problem) {
    const faults = (problem?.errors ?? []).map((fault) => `${fault.path}: ${fault.message}`);
    super(
      `${method} ${path}: ${status} ${[problem?.detail ?? problem?.title ?? '', ...faults].join('; ')}`,
    );
    this.status = status;
    this.code = problem?.code;
  }
}

/** The public API over fetch, as any outside program would use it. */
export class Api {
  constructor(base, { token, signal } = {}) {
    this.base = base.replace(/\/+$/, '');
    this.token = token;
    this.signal = signal;
  }

  get = (path) => this.call('GET', path);
  post = (path, body = {}, headers = {}) => this.call('POST', path, body, headers);
  patch = (path, body, headers) => this.call('PATCH', path, body, headers);

  async call(method, path, body, headers) {
    const { json } = await this.exchange(method, path, body, headers);
    return json;
  }

  /** A write carries one key through all its retries, so that a lost answer does not do it twice. */
  async exchange(method, path, body, headers = {}) {
    const isForm = body instanceof FormData;
    const init = {
      method,
      signal: this.signal,
      headers: {
        ...this.headers(),
        ...(method !== 'GET' && { 'idempotency-key': randomUUID() }),
        ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    };
    const response = await this.send(path, init);
    const text = await response.text();
    const json = parse(text);
    if (!response.ok)
      throw new Refused(method, path, response.status, json ?? { detail: text.slice(0, 200) });
    return { json, etag: response.headers.get('etag') };
  }

  async send(path, init) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await fetch(this.base + path, init);
      } catch (error) {
        if (this.signal?.aborted) throw error;
        const code = error.cause?.code ?? error.cause?.errors?.[0]?.code ?? error.message;
        const pause =
          code === 'ECONNREFUSED' && attempt === 0 && !this.reached
            ? undefined
            : RETRY_PAUSES_MS[attempt];
        if (pause === undefined) {
          throw new Stop(`nothing answers at ${this.base} (${code}).`, {
            hint: 'Start the server with `npm start` in another terminal, or set AOS_URL to where it listens.',
          });
        }
        await sleep(pause);
      } finally {
        this.reached = true;
      }
    }
  }

  headers() {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }

  /** Every item of a list, page after page. */
  async *list(path) {
    let cursor;
    do {
      const query = cursor
        ? `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`
        : '';
      const page = await this.get(path + query);
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor);
  }
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
