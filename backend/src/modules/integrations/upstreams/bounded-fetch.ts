import type { FetchLike } from '@modelcontextprotocol/client';
import { LineEnds } from './line-ends.js';
import { dispatcherOfFetch } from './metadata-addresses.js';

/**
 * `fetch` whose answers end with an error after `maxBytes` of one answer, as unpacked: a server (or a
 * gzip bomb behind it) cannot fill the memory. A stream of events is one answer of any length, so for those
 * each event is bounded instead, by the bytes since the last empty line; whatever its lines end with, LF is what is read.
 */
export function boundedFetch(maxBytes: number): FetchLike {
  return async (url, init) => {
    const response = await within(url, init);
    if (!response.body) return response;
    const isEvents = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
    const bounded = response.body.pipeThrough(meter(maxBytes, isEvents));
    return new Response(bounded, {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
    });
  };
}

const MOST_REDIRECTS = 3;

/**
 * Follows a redirect within the origin only: what a request carries (its arguments, what it signs in with) was
 * meant for this server, and for no other that it may name.
 */
async function within(url: string | URL, init: RequestInit | undefined): Promise<Response> {
  let at = new URL(url);
  for (let hops = 0; ; hops++) {
    const options = { ...init, redirect: 'manual', dispatcher: dispatcherOfFetch };
    const response = await fetch(at, options as unknown as RequestInit);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) return response;
    const next = new URL(location, at);
    const isSame =
      next.origin === at.origin && (response.status === 307 || response.status === 308);
    await response.body?.cancel();
    if (!isSame || hops >= MOST_REDIRECTS)
      throw new Error(
        `the server sends the caller elsewhere (HTTP ${response.status}), which is not followed`,
      );
    at = next;
  }
}

function meter(
  maxBytes: number,
  isEvents: boolean,
): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let bytes = 0;
  let last = 0;
  const lineEnds = new LineEnds();
  return new TransformStream({
    transform(received, controller) {
      const chunk = isEvents ? lineEnds.unified(received) : received;
      bytes += chunk.length;
      if (isEvents) {
        const end = endOfEvent(chunk, last);
        if (end >= 0) bytes = chunk.length - end;
        last = chunk.at(-1) ?? last;
      }
      if (bytes > maxBytes)
        controller.error(new Error(`the answer is larger than ${maxBytes} bytes`));
      else controller.enqueue(chunk);
    },
  });
}

/** Index behind the last empty line in the chunk, or -1. `before` is the byte that came before it. */
function endOfEvent(chunk: Uint8Array, before: number): number {
  for (let i = chunk.length - 1; i >= 0; i--)
    if (chunk[i] === 10 && (i > 0 ? chunk[i - 1] : before) === 10) return i + 1;
  return -1;
}
