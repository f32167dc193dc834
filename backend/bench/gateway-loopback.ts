/** Preloaded into programs that take no host to listen on: what they open is for this machine only. */
import { Server } from 'node:net';

const listen = Server.prototype.listen as (this: Server, ...args: unknown[]) => Server;
Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const isPort = typeof args[0] === 'number' || typeof args[0] === 'string';
  const namesHost = typeof args[1] === 'string';
  return isPort && !namesHost
    ? listen.call(this, args[0], '127.0.0.1', ...args.slice(1))
    : listen.apply(this, args);
} as Server['listen'];
