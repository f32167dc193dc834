import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { temporaryTree } from './temporary-tree.mjs';

/** As much of AOS as the demo speaks with. `behave` says what the task comes to. */
class StubServer {
  calls = [];
  agents = [];
  behave = {};

  async open() {
    this.server = createServer((request, response) => void this.answer(request, response));
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }

  async answer(request, response) {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = new URL(request.url, this.url);
    const call = `${request.method} ${url.pathname}`;
    const isJson = request.headers['content-type']?.includes('json');
    this.calls.push({
      call,
      body: isJson ? JSON.parse(body) : body,
      headers: request.headers,
      query: url.searchParams,
    });
    if (call === 'GET /agent/events') return this.stream(url.searchParams, response);
    const routes = {
      'GET /health/live': () => ({}),
      'POST /auth/login': () => ({ accessToken: 'of-the-owner' }),
      'GET /agents/templates': () => ({ items: [{ name: 'data-analyst' }], nextCursor: null }),
      'GET /agents': () => ({ items: this.agents, nextCursor: null }),
      'POST /agents': () => (this.agents = [this.agent()])[0],
      'GET /agents/a1': () => this.agents[0],
      'PATCH /agents/a1': () => Object.assign(this.agents[0], { config: JSON.parse(body).config }),
      'POST /agents/a1/start': () => Object.assign(this.agents[0], { status: 'running' }),
      'POST /agents/a1/register-mcp': () =>
        Object.assign(this.agents[0], { registered: true, routePrefix: 'agent.x' }),
      'POST /api/artifacts': () => ({ artifactId: 'art', name: 'birdstrikes.csv', bytes: 3 }),
      'POST /api/chat/send': () => ({ jobId: 'j1', traceId: 't1', events: [] }),
      'POST /jobs/j1/rerun': () => ({ jobId: 'j2', traceId: 't2' }),
      'POST /agent/approve': () => ({}),
      'GET /monitor/traces/t1': () => ({
        latencyMs: 1200,
        spans: [{ kind: 'tool', name: 'skills.csv.clean', durationUs: 900_000 }],
      }),
      'GET /api/episodes/t1': () => this.episode(),
    };
    const json = routes[call]?.();
    response.writeHead(json ? 200 : 404, { 'content-type': 'application/json', etag: '"1"' });
    response.end(JSON.stringify(json ?? { code: 'not_found', detail: call }));
  }

  agent = () => ({
    id: 'a1',
    name: 'strike-analyst',
    status: 'stopped',
    registered: false,
    config: { tools: ['skills.*'] },
  });
  episode = () => ({
    job: { id: 'j1' },
    steps: [1, 2],
    toolCalls: [1],
    approvals: [1],
    events: [],
    attempts: 1,
    receipt: null,
    artifacts: [{ artifactId: 'out', name: 'clean.csv', mediaType: 'text/csv', bytes: 2048 }],
  });

  stream(query, response) {
    const since = Number(query.get('since') ?? 0);
    const trace = query.get('traceId');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const events = [
      { type: 'task.acceptance', summary: 'Accepted.' },
      {
        type: 'approval.request',
        summary: 'May it write?',
        payload: { approvalId: `ap-${trace}`, tool: 'skills.csv.clean', args: {} },
      },
      { type: 'anomaly.detected', severity: 'warning', summary: 'Rows\u001b[2J left out.' },
      {
        type: 'task.receipt',
        summary: 'Done.',
        payload: { status: this.behave.status ?? 'succeeded' },
      },
    ].map((event, at) => ({
      seq: at + 1,
      id: `${trace}-${at}`,
      severity: 'info',
      payload: {},
      createdAt: new Date().toISOString(),
      ...event,
    }));
    const missed = events.filter(({ seq }) => seq > since);
    const sent =
      this.behave.dropAfter && since === 0 ? missed.slice(0, this.behave.dropAfter) : missed;
    response.write(
      sent.map((event) => `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
      () => {
        if (sent.length < missed.length) response.destroy();
      },
    );
  }
}

let stub;
let tree;
before(async () => {
  stub = new StubServer();
  await stub.open();
  tree = temporaryTree();
  tree.copy('ops/scripts/demo.mjs', 'ops/scripts/lib');
  tree.write({
    'package.json': '{"type":"module"}',
    'ops/demo/data/birdstrikes.csv': 'a\n1',
    '.aos/owner-sign-in.json': '{"email":"o@aos.test","password":"kept in the folder"}',
  });
});
after(() => {
  stub.close();
  tree.remove();
});

function demo({ args = [], env = {}, behave = {} } = {}) {
  stub.calls = [];
  stub.behave = behave;
  const child = spawn(process.execPath, [tree.at('ops/scripts/demo.mjs'), ...args], {
    env: { AOS_URL: stub.url, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => (output += chunk));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}
const made = (call) => stub.calls.filter((each) => each.call === call);

test('the whole script: agent, task, approval, receipt, artifacts, trace, episode, rerun', async () => {
  const { code, output } = await demo();
  assert.equal(code, 0, output);
  assert.deepEqual(made('POST /auth/login')[0].body, {
    email: 'o@aos.test',
    password: 'kept in the folder',
  });
  assert.deepEqual(made('PATCH /agents/a1')[0].body.config.tools, ['skills.*', 'env.*']);
  assert.equal(made('PATCH /agents/a1')[0].headers['if-match'], '"1"');
  assert.ok(made('POST /api/artifacts')[0].body.includes('filename="birdstrikes.csv"'));
  assert.deepEqual(made('POST /api/chat/send')[0].body.inputs, [
    { name: 'birdstrikes', artifactId: 'art' },
  ]);
  assert.deepEqual(
    made('POST /agent/approve').map(({ body }) => [body.approvalId, body.decision]),
    [
      ['ap-t1', 'continue'],
      ['ap-t2', 'continue'],
    ],
  );
  assert.ok(
    stub.calls
      .filter(({ call }) => call.startsWith('POST'))
      .every(({ headers }) => headers['idempotency-key']),
  );
  assert.match(output, /clean\.csv · text\/csv · 2 kB · http.*\/api\/artifacts\/out\/content/);
  assert.match(output, /1 spans · 1\.2 s · slowest tool skills\.csv\.clean, 0\.9 s/);
  assert.match(output, /2 steps · 1 tool call · 1 approval/);
  assert.match(output, /both runs succeeded/);
  assert.ok(!output.includes('\u001b'), 'text from a file does not steer the terminal');
});

test('an agent that is there already is used again; a token needs no sign-in', async () => {
  const { code } = await demo({ env: { AOS_TOKEN: 'tok' }, args: ['--no-rerun'] });
  assert.equal(code, 0);
  assert.equal(
    made('POST /agents').length +
      made('POST /auth/login').length +
      made('POST /agents/a1/start').length,
    0,
  );
  assert.equal(made('POST /api/chat/send')[0].headers.authorization, 'Bearer tok');
});

test('a lost connection is taken up where it broke, and every event is shown once', async () => {
  const { code, output } = await demo({ behave: { dropAfter: 1 }, args: ['--no-rerun'] });
  assert.equal(code, 0, output);
  assert.match(output, /Connection lost/);
  assert.deepEqual(
    made('GET /agent/events').map(({ query }) => query.get('since')),
    ['0', '1'],
  );
  assert.equal(output.match(/Accepted\./g).length, 1);
});

test('a receipt that says failed is exit code 1, without a rerun', async () => {
  const { code, output } = await demo({ behave: { status: 'failed' } });
  assert.equal(code, 1);
  assert.match(output, /did not end with a receipt that says succeeded/);
  assert.equal(made('POST /jobs/j1/rerun').length, 0);
});

test('no server, no sign-in, a wrong option: one clear line each', async () => {
  const absent = await demo({ env: { AOS_URL: `http://127.0.0.1:${await closedPort()}` } });
  assert.equal(absent.code, 1);
  assert.match(
    absent.output,
    /^AOS: nothing answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\)\.\nStart the server with `npm start`/,
  );
  const stranger = await demo({ env: { AOS_DATA_DIR: '/nonexistent' } });
  assert.match(stranger.output, /no sign-in: .*nonexistent/);
  assert.match((await demo({ args: ['--approve=maybe'] })).output, /--approve takes ask, continue/);
});

async function closedPort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}
