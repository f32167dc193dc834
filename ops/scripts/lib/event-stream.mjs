import { setTimeout as sleep } from 'node:timers/promises';
import { Stop } from './progress.mjs';

const SILENT_FOR_MS = 45_000; // three heartbeats
const UNREACHABLE_FOR_MS = 60_000;

/**
 * The value events of one trace, in order, each once, across lost connections: it reconnects with the
 * last `seq` it saw. `{ lost: reason }` is yielded when a connection goes, `{ resync: reason }` when the
 * server says that the window has passed.
 */
export async function* followTrace(api, traceId, { signal, since = 0 } = {}) {
  let last = since;
  let lastContact = Date.now();
  for (let pause = 500; ; pause = Math.min(pause * 2, 5_000)) {
    let reason;
    try {
      for await (const message of connect(api, traceId, last, signal)) {
        lastContact = Date.now();
        pause = 500;
        if (message.event === 'resync' || message.data?.op === 'resync') {
          yield { resync: message.data?.reason ?? 'the server no longer has these events' };
          last = undefined;
          continue;
        }
        const event = message.data?.event ?? message.data;
        if (!event?.type || (last !== undefined && event.seq <= last)) continue;
        last = event.seq;
        yield { event };
      }
      reason = 'the server closed the stream';
    } catch (error) {
      if (signal?.aborted || error instanceof Stop) throw error;
      reason = error.cause?.code ?? error.message;
    }
    if (Date.now() - lastContact > UNREACHABLE_FOR_MS) {
      throw new Stop(`the server at ${api.base} has been away for a minute (${reason}).`, {
        hint: 'The task is safe: when the server is back it goes on from its last checkpoint.',
      });
    }
    yield { lost: reason };
    await sleep(pause, undefined, { signal });
  }
}

async function* connect(api, traceId, since, signal) {
  const query = new URLSearchParams({
    traceId,
    ...(since !== undefined && { since: String(since) }),
  });
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(new Error('silence')), SILENT_FOR_MS);
  try {
    const response = await fetch(`${api.base}/agent/events?${query}`, {
      headers: { ...api.headers(), accept: 'text/event-stream' },
      signal: AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]),
    });
    if (!response.ok) {
      if (response.status >= 500 || response.status === 429)
        throw new Error(`HTTP ${response.status}`);
      throw new Stop(
        `the event stream was refused: ${response.status} ${(await response.text()).slice(0, 300)}`,
      );
    }
    for await (const message of parseEventStream(response.body)) {
      watch.refresh();
      if (message.data !== undefined) yield message;
    }
  } finally {
    clearTimeout(watch);
    silence.abort();
  }
}

/** The HTML standard's event stream; comments come out as messages without data. */
export async function* parseEventStream(chunks) {
  const decoder = new TextDecoder();
  let rest = '';
  let message = { lines: [] };
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (message.lines.length > 0)
          yield { ...message, data: parseData(message.lines.join('\n')) };
        message = { lines: [] };
        continue;
      }
      if (line.startsWith(':')) {
        yield {};
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (field === 'data') message.lines.push(value);
      else if (field === 'id' || field === 'event') message[field] = value;
    }
  }
}

function parseData(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
