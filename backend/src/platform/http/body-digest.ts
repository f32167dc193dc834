import type { Hmac } from 'node:crypto';
import type { AosRequest } from './access.js';
import { canonical } from './canonical-hash.js';

export interface BodyDigest {
  /** Reads what the handler has left of the body, then answers the digest of all of it. */
  whenRead(): Promise<string>;
}

/**
 * What two requests with one idempotency key are compared by. JSON is digested as it was parsed, with its keys in one order:
 * clients write them as they come. A multipart
 * body is digested as it streams by, on its way to whoever takes the file, without the boundary: clients
 * make up a new one for every try.
 */
export function digestOf(request: AosRequest, hmac: Hmac): BodyDigest {
  hmac.update(canonical(request.query ?? {}));
  const boundary = /^multipart\/form-data.*boundary="?([^";]+)/i.exec(
    request.headers['content-type'] ?? '',
  )?.[1];
  if (boundary === undefined) {
    const digest = hmac.update(canonical(request.body ?? null)).digest('hex');
    return { whenRead: async () => digest };
  }
  const scrub = scrubber(Buffer.from(boundary), (bytes) => hmac.update(bytes));
  // Tapping 'data' where it is emitted adds no listener, so it does not start the stream early.
  const emit = request.emit.bind(request);
  request.emit = (event: string | symbol, ...args: unknown[]) => {
    if (event === 'data') scrub.push(args[0] as Buffer);
    return emit(event, ...args);
  };
  let digest: string | undefined;
  return {
    async whenRead() {
      if (digest === undefined) {
        if (!request.readableEnded)
          await new Promise<void>((resolve, reject) => {
            request.once('end', resolve).once('error', reject).once('close', resolve).resume();
          });
        scrub.end();
        digest = hmac.digest('hex');
      }
      return digest;
    },
  };
}

/** Passes bytes on without any occurrence of `needle`, also when it is split over two chunks. */
function scrubber(needle: Buffer, pass: (bytes: Buffer) => void) {
  let held = Buffer.alloc(0);
  return {
    push(chunk: Buffer) {
      let rest = Buffer.concat([held, chunk]);
      for (let at = rest.indexOf(needle); at >= 0; at = rest.indexOf(needle)) {
        pass(rest.subarray(0, at));
        rest = rest.subarray(at + needle.length);
      }
      const keep = Math.min(rest.length, needle.length - 1);
      pass(rest.subarray(0, rest.length - keep));
      held = Buffer.from(rest.subarray(rest.length - keep));
    },
    end: () => pass(held),
  };
}
