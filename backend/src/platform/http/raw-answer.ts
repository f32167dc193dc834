import { randomBytes } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { say } from '@aos/contracts';
import { AosError } from './problem.js';
import { toProblem } from './problem.filter.js';

/** The head and the body of a refusal, for where there is no response object to say it with. */
export function rawRefusal(error: AosError): { headers: Record<string, string>; body: string } {
  const traceId = randomBytes(16).toString('hex');
  return {
    // Spelled as `ws` spells it: it adds a type of its own otherwise, and a client sees that one first.
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-00`,
      'cache-control': 'no-store',
      ...(error.status === 401 ? { 'www-authenticate': 'Bearer realm="aos"' } : {}),
      ...(error.retryAfterSeconds ? { 'retry-after': String(error.retryAfterSeconds) } : {}),
    },
    body: JSON.stringify(toProblem(error, traceId)),
  };
}

/** Answers on the connection itself, and ends it. */
export function refuseOnSocket(socket: Duplex, error: AosError): void {
  if (!socket.writable) return void socket.destroy();
  const { headers, body } = rawRefusal(error);
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n${lines.join('')}\r\n${body}`,
  );
}

/** What Node refuses before there is a request (it would answer with a bare status line) says why as well. */
export function answerUnparsed(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
    refuseOnSocket(socket, refusalOf(error));
  });
  // An expectation that nobody knows may be passed over (RFC 9110 10.1.1); Node would end it with an empty 417.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

function refusalOf(cause: NodeJS.ErrnoException): AosError {
  switch (cause.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AosError('headers_too_large', say('headers-long'), { cause });
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AosError('request_timeout', say('request-slow'), {
        cause,
      });
    default:
      return new AosError('malformed_request', say('no-request'), { cause });
  }
}
