/** The caller of bench:gateway, in a process of its own: the SDK client with its defaults, or plain requests. */
import { Agent, request } from 'node:http';
import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { type Answer, type Door, MESSAGE, type Order, measured } from './gateway-protocol.js';

let client: Client | undefined;
let tool = '';

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send!(answer),
    (error: Error) => process.send!({ error: `${error.stack}` } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());

async function obey(order: Order): Promise<Answer> {
  switch (order.op) {
    case 'connect':
      await client?.close();
      client = await connect(order.door);
      tool = order.door.tool;
      return {};
    case 'calls': {
      const until = performance.now() + order.seconds * 1000;
      return { measured: await timed(order.atOnce, () => performance.now() < until, call) };
    }
    case 'count': {
      let left = order.calls;
      return { measured: await timed(order.atOnce, () => left-- > 0, call) };
    }
    case 'clients': {
      let left = order.clients;
      const once = () => connectCallAndLeave(order.door);
      return { measured: await timed(order.atOnce, () => left-- > 0, once) };
    }
    case 'raw': {
      const agent = new Agent({ keepAlive: true, maxSockets: order.atOnce });
      const until = performance.now() + order.seconds * 1000;
      const send = () => post(agent, order.door);
      const answer = await timed(order.atOnce, () => performance.now() < until, send);
      agent.destroy();
      return { measured: answer };
    }
  }
}

async function timed(atOnce: number, goesOn: () => boolean, work: () => Promise<void>) {
  const durations: number[] = [];
  const began = performance.now();
  const lane = async () => {
    while (goesOn()) {
      const at = performance.now();
      await work();
      durations.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return measured(durations, performance.now() - began);
}

async function connect({ url, isSse, headers }: Door): Promise<Client> {
  const options = { requestInit: { headers: headers ?? {} } };
  const made = new Client({ name: 'bench', version: '1' });
  const transport = isSse
    ? new SSEClientTransport(new URL(url), options)
    : new StreamableHTTPClientTransport(new URL(url), options);
  await made.connect(transport);
  return made;
}

async function connectCallAndLeave(door: Door): Promise<void> {
  const visitor = await connect(door);
  requireEcho(await visitor.callTool({ name: door.tool, arguments: { message: MESSAGE } }));
  const { transport } = visitor;
  if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession();
  await visitor.close();
}

async function call(): Promise<void> {
  requireEcho(await client!.callTool({ name: tool, arguments: { message: MESSAGE } }));
}

function requireEcho(answer: unknown): void {
  if (!JSON.stringify(answer).includes(MESSAGE))
    throw new Error(`no echo: ${JSON.stringify(answer)}`);
}

const REVISION = '2026-07-28';
const P = 'io.modelcontextprotocol/';

/** The same request to all doors: one of the current revision, which stands alone. */
function post(agent: Agent, { url, headers, tool: name }: Door): Promise<void> {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name,
      arguments: { message: MESSAGE },
      _meta: {
        [`${P}protocolVersion`]: REVISION,
        [`${P}clientInfo`]: { name: 'bench', version: '1' },
        [`${P}clientCapabilities`]: {},
      },
    },
  });
  return new Promise((done, fail) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': Buffer.byteLength(body),
          'mcp-protocol-version': REVISION,
          'mcp-method': 'tools/call',
          'mcp-name': name,
          ...headers,
        },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.once('end', () => {
          if (answer.statusCode === 200 && text.includes(MESSAGE)) done();
          else fail(new Error(`HTTP ${answer.statusCode}: ${text.slice(0, 500)}`));
        });
        answer.once('error', fail);
      },
    );
    sent.once('error', fail);
    sent.end(body);
  });
}
