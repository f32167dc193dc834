import type { Socket } from 'node:net';

const nothing = Buffer.alloc(0);

/** Calls back when the operating system has taken all that was written so far. */
export function onceDrained(socket: Socket, listener: () => void): void {
  if (socket.writableLength === 0) listener();
  else if (socket.writableNeedDrain) socket.once('drain', listener);
  // Below the high-water mark there is no 'drain'; an empty write ends when those before it have ended.
  else socket.write(nothing, listener);
}
