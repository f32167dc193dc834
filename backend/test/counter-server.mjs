import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * A tool server over stdio for crash.spec.ts, in plain JSON-RPC: `bump` and `bump_once` add one line, `<idempotency key>
 * <label>`, to the file `truth` of the given folder. That file says what has happened, whatever anybody remembers.
 * `bump` knows a key again and then adds nothing; `bump_once` always adds.
 *
 * `points.json` there names the labels at which the caller (the process in the file `pid`) is to be signalled in the
 * middle of the call, once each: before the line is written, or after it and before the answer.
 */
const folder = process.argv[2];
const at = (name) => join(folder, name);
const inputSchema = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
  additionalProperties: false,
};
const tools = ['bump', 'bump_once'].map((name) => ({ name, description: name, inputSchema }));

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'counter', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({ tools }),
  'tools/call': ({ name, arguments: { label }, _meta }) => {
    const key = _meta['aos.dev/idempotencyKey'];
    const point = pointOf(label);
    if (point?.when === 'before') signal(label, point);
    const known = existsSync(at('truth')) ? readFileSync(at('truth'), 'utf8').split('\n') : [];
    if (name === 'bump_once' || !known.some((line) => line.startsWith(`${key} `)))
      appendFileSync(at('truth'), `${key} ${label}\n`);
    if (point?.when === 'after') signal(label, point);
    return { content: [{ type: 'text', text: `counted ${label}` }] };
  },
};

const mark = (label) => at(`reached-${label.replace('/', '-')}`);

function pointOf(label) {
  return existsSync(mark(label))
    ? undefined
    : JSON.parse(readFileSync(at('points.json'), 'utf8'))[label];
}

function signal(label, point) {
  const pid = caller();
  writeFileSync(mark(label), '');
  process.kill(pid, point.signal);
  if (point.signal === 'SIGKILL') process.exit(0); // nobody is there to answer
}

/** Waits until the test has written down who it is: it does so when all tasks are given. */
function caller() {
  for (;;) {
    const pid = existsSync(at('pid')) ? Number(readFileSync(at('pid'), 'utf8')) : 0;
    if (pid > 0) return pid;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const answer = methods[method]
    ? { result: methods[method](params ?? {}) }
    : { error: { code: -32601, message: `there is no ${method}` } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
});
