/** A tool server that costs next to nothing: node:http, no SDK, one tool, answered at once. */
import { createServer } from 'node:http';
import { MESSAGE } from './gateway-protocol.js';

interface Message {
  id?: string | number;
  method?: string;
}

const echo = { content: [{ type: 'text', text: `Echo: ${MESSAGE}` }] };
const results: Record<string, object> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'stub', version: '1' },
  },
  'tools/list': {
    tools: [
      {
        name: 'echo',
        description: 'Says it again.',
        inputSchema: { type: 'object', properties: { message: { type: 'string' } } },
      },
    ],
  },
  'tools/call': echo,
  ping: {},
};

const server = createServer((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  let text = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  request.once('end', () => {
    const { id, method = '' } = JSON.parse(text) as Message;
    if (id === undefined) return void response.writeHead(202).end();
    const result = results[method];
    const answer = result
      ? { jsonrpc: '2.0', id, result }
      : { jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } };
    const body = JSON.stringify(answer);
    response
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      .end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(process.env['PORT']), '127.0.0.1');
