import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { type Answer, answerOrders, nowMs } from './events-protocol.js';

/**
 * The clients: TCP sockets that speak just enough WebSocket to find the number in each event. A full client
 * library costs more per frame than the server does, and its queue is what would be measured.
 */
let sockets: Socket[] = [];
let numbers = new Int32Array(1 << 20);
let times = new Float64Array(1 << 20);
let count = 0;

answerOrders(async (order): Promise<Answer> => {
  if (order.op === 'connect') {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    for (let left = order.clients; left > 0; left -= 50)
      sockets.push(
        ...(await Promise.all(Array.from({ length: Math.min(50, left) }, () => open(order.port)))),
      );
    return {};
  }
  if (order.op === 'forget') {
    await settled();
    count = 0;
    return {};
  }
  if (order.op === 'tell') {
    await settled();
    return { result: summarise(new Map(order.committedAt)) };
  }
  throw new Error(`clients do not ${order.op}`);
});

/** Nothing more has come for a while. */
async function settled(): Promise<void> {
  for (let before = -1; before !== count;) {
    before = count;
    await new Promise<void>((resolve) => setTimeout(resolve, 300));
  }
}

function summarise(committedAt: Map<number, number>): { p50: number; p99: number; lost: number } {
  const took: number[] = [];
  for (let at = 0; at < count; at++) {
    const from = committedAt.get(numbers[at]!);
    if (from !== undefined) took.push(times[at]! - from);
  }
  took.sort((a, b) => a - b);
  const at = (share: number) =>
    took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), lost: committedAt.size * sockets.length - took.length };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.write(
    `GET /agent/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Authorization: Bearer bench\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101'))
    throw new Error(answer.toString('latin1'));
  const subscribe = Buffer.from('{"op":"subscribe"}');
  socket.write(
    Buffer.concat([Buffer.from([0x81, 0x80 | subscribe.length, 0, 0, 0, 0]), subscribe]),
  );
  const ready = once(socket, 'data'); // {"op":"ready"}, or the bare server's like
  await ready;
  let rest: Buffer | undefined;
  socket.on('data', (chunk: Buffer) => {
    rest = walk(rest ? Buffer.concat([rest, chunk]) : chunk);
  });
  return socket;
}

const marker = Buffer.from('"n":');

/** Notes the frames; @returns the beginning of one that is not whole yet. */
function walk(bytes: Buffer): Buffer | undefined {
  const now = nowMs();
  let at = 0;
  while (at + 2 <= bytes.length) {
    let length = bytes[at + 1]! & 0x7f;
    let head = 2;
    if (length === 126) {
      if (at + 4 > bytes.length) break;
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    }
    const end = at + head + length;
    if (end > bytes.length) break;
    const found = length > 100 ? bytes.indexOf(marker, at + head) : -1;
    if (found >= 0 && found < end) note(bytes, found + marker.length, now);
    at = end;
  }
  return at < bytes.length ? bytes.subarray(at) : undefined;
}

function note(bytes: Buffer, at: number, now: number): void {
  let n = 0;
  for (let digit = bytes[at]! - 48; digit >= 0 && digit <= 9; digit = bytes[++at]! - 48)
    n = n * 10 + digit;
  if (count === numbers.length) {
    const [moreNumbers, moreTimes] = [new Int32Array(count * 2), new Float64Array(count * 2)];
    moreNumbers.set(numbers);
    moreTimes.set(times);
    [numbers, times] = [moreNumbers, moreTimes];
  }
  numbers[count] = n;
  times[count++] = now;
}
