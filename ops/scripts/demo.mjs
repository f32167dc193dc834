#!/usr/bin/env node
/**
 * `npm run demo`: plays the acceptance script against a running server, through the public API only.
 *
 *   1. an agent from a template: tools bound, started, registered with the gateway
 *   2. a task in Chat Hub over a real CSV: events live, the approval answered, receipt and artifacts
 *   3. the trace in Monitor, the episode, and the task once more
 *
 * AOS_URL                                the server (http://127.0.0.1:3000)
 * AOS_TOKEN, or AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD; else the sign-in kept in the data folder
 * --approve=ask|continue|degrade|abort   what to answer; `ask` on a terminal, else `continue`
 * --no-rerun                             leaves the second run out
 */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { Api, Refused } from './lib/api.mjs';
import { followTrace } from './lib/event-stream.mjs';
import { runMain, seconds, Stop } from './lib/progress.mjs';
import { inRoot, requireNode } from './lib/workspace.mjs';

requireNode();

const AGENT = 'strike-analyst';
const TEMPLATE = 'data-analyst';
const TOOLS = ['env.*', 'skills.*'];
const DATA = inRoot('ops/demo/data/birdstrikes.csv');
const GOAL =
  'Look into the bird strikes in birdstrikes.csv: profile the file, clean it (types, blanks, duplicates, ' +
  'dates), plot the strikes by month and by species, and write a short report.';
const ANSWER_WITHIN_MS = 20_000;

const { values: flags } = parseArgs({
  options: {
    approve: { type: 'string' },
    'first-run': { type: 'boolean', default: false },
    'no-rerun': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const isTerminal = Boolean(process.stdin.isTTY && process.stdout.isTTY);
const policy = flags.approve ?? (isTerminal && !flags['first-run'] ? 'ask' : 'continue');
const url = (process.env.AOS_URL ?? 'http://127.0.0.1:3000').replace(/\/+$/, '');
const interrupted = new AbortController();

if (flags.help) {
  console.log(readFileSync(new URL(import.meta.url), 'utf8').match(/\/\*\*[\s\S]*?\*\//)[0]);
  process.exit(0);
}

function leave(code) {
  interrupted.abort();
  if (flags['first-run']) process.exit(code); // the server that started this one is stopping, and says so
  console.log(`\nNo longer watching. What was started goes on: ${url}/console/`);
  process.exit(code);
}

async function main() {
  const decisions = ['ask', 'continue', 'degrade', 'abort'];
  if (!decisions.includes(policy))
    throw new Stop(`--approve takes ${decisions.join(', ')}, not "${policy}".`);
  const api = new Api(url, { signal: interrupted.signal });
  await explainRefusals(async () => {
    api.token = await signIn(api);
    heading(flags['first-run'] ? 'The acceptance task, once, on real data' : `AOS demo at ${url}`);
    const agent = await prepareAgent(api);
    const input = await upload(api);

    const sent = await api.post('/api/chat/send', {
      text: GOAL,
      agentId: agent.id,
      inputs: [{ name: 'birdstrikes', artifactId: input.artifactId }],
    });
    row('task', `job ${sent.jobId} · trace ${sent.traceId}`);
    const first = await follow(api, sent.traceId);
    const episode = await showEpisode(api, sent.traceId);
    await showTrace(api, sent.traceId);

    const receipts = [first];
    if (!flags['no-rerun'] && first?.status === 'succeeded') {
      heading('The same task once more');
      const rerun = await api.post(`/jobs/${episode.job.id}/rerun`);
      row('task', `job ${rerun.jobId} · trace ${rerun.traceId} · rerun of ${episode.job.id}`);
      receipts.push(await follow(api, rerun.traceId));
    }
    finish(receipts);
  });
}

async function explainRefusals(work) {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const hint =
      error.status === 401
        ? 'The sign-in is not, or no longer, good. See AOS_TOKEN in `npm run demo -- --help`.'
        : '';
    throw new Stop(error.message, { hint });
  }
}

// ── Signing in ────────────────────────────────────────────────────────────────────────────────────

async function signIn(api) {
  if (process.env.AOS_TOKEN) return process.env.AOS_TOKEN;
  await api.get('/health/live');
  const { accessToken } = await api.post('/auth/login', ownerSignIn());
  return accessToken;
}

function ownerSignIn() {
  const {
    AOS_OWNER_EMAIL: email,
    AOS_OWNER_PASSWORD: password,
    AOS_DATA_DIR: folder,
  } = process.env;
  if (email && password) return { email, password };
  const file = resolve(folder || inRoot('.aos'), 'owner-sign-in.json');
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    return { email: kept.email, password: kept.password };
  } catch {
    throw new Stop(`no sign-in: ${file} cannot be read.`, {
      hint: 'Set AOS_TOKEN, or AOS_OWNER_EMAIL and AOS_OWNER_PASSWORD, or AOS_DATA_DIR to the server’s data folder.',
    });
  }
}

// ── 1. The agent ──────────────────────────────────────────────────────────────────────────────────

async function prepareAgent(api) {
  const template = await find(api.list('/agents/templates'), ({ name }) => name === TEMPLATE);
  if (!template) throw new Stop(`the server has no agent template "${TEMPLATE}".`);
  let agent = await find(api.list('/agents?limit=200'), ({ name }) => name === AGENT);
  const isNew = !agent;
  agent ??= await api.post('/agents', { name: AGENT, template: TEMPLATE });
  agent = await bindTools(api, agent.id);
  if (agent.status !== 'running') await api.post(`/agents/${agent.id}/start`);
  if (!agent.registered) await api.post(`/agents/${agent.id}/register-mcp`);
  agent = await api.get(`/agents/${agent.id}`);
  const gateway = agent.registered
    ? `on the gateway as ${agent.routePrefix ?? agent.name}`
    : 'not registered';
  row(
    'agent',
    `${agent.name} ${isNew ? `from template ${TEMPLATE}` : '(was there)'} · ${agent.status} · ${gateway}`,
  );
  row('tools', agent.config.tools.join(' '));
  return agent;
}

async function bindTools(api, id) {
  const { json: agent, etag } = await api.exchange('GET', `/agents/${id}`);
  const missing = TOOLS.filter((tool) => !agent.config.tools.includes(tool));
  if (missing.length === 0) return agent;
  const config = { tools: [...agent.config.tools, ...missing] };
  return api.patch(
    `/agents/${id}`,
    { config, comment: 'Bound by the demo' },
    { ...(etag && { 'if-match': etag }) },
  );
}

// ── 2. The task ───────────────────────────────────────────────────────────────────────────────────

async function upload(api) {
  let bytes;
  try {
    bytes = readFileSync(DATA);
  } catch (error) {
    throw new Stop(`the demo’s data is not there: ${error.message}`);
  }
  const form = new FormData();
  form.set('file', new Blob([bytes], { type: 'text/csv' }), basename(DATA));
  const artifact = await api.post('/api/artifacts', form);
  row('upload', `${artifact.name} · ${size(artifact.bytes)} · ${address(artifact)}`);
  return artifact;
}

/** Prints every value event of the trace, answers its approvals, and returns the receipt. */
async function follow(api, traceId) {
  console.log();
  const shown = new Set();
  const asked = new Set();
  const take = (event) => {
    if (shown.has(event.id)) return undefined;
    shown.add(event.id);
    say(event);
    if (event.type === 'approval.request' && !asked.has(event.payload.approvalId)) {
      asked.add(event.payload.approvalId);
      // Beside the stream: what happens meanwhile is shown, also that somebody else has decided.
      void decide(api, event).catch((error) =>
        note(`The approval could not be answered: ${error.message}`),
      );
    }
    return event.type === 'task.receipt' ? event.payload : undefined;
  };
  for await (const item of followTrace(api, traceId, { signal: interrupted.signal })) {
    if (item.lost) note(`Connection lost (${item.lost}); the task goes on, reconnecting.`);
    if (item.resync) {
      note(`Catching up from the episode: ${item.resync}`);
      const { events, receipt } = await api.get(`/api/episodes/${traceId}`);
      for (const event of events.filter(({ type }) => type in MARKS)) take(event);
      if (receipt) return receipt;
    }
    const receipt = item.event && take(item.event);
    if (receipt) return receipt;
  }
  return undefined;
}

async function decide(api, { payload }) {
  const decision = policy === 'ask' ? await ask(payload) : policy;
  try {
    await api.post('/agent/approve', {
      approvalId: payload.approvalId,
      decision,
      comment: 'Answered by npm run demo',
    });
    note(`Answered: ${decision}.`);
  } catch (error) {
    if (!(error instanceof Refused) || ![404, 409, 410].includes(error.status)) throw error;
    note('Somebody else has answered already.');
  }
}

async function ask({ tool, args }) {
  const input = createInterface({ input: process.stdin, output: process.stdout });
  input.once('SIGINT', () => leave(130));
  note(`${tool} ${JSON.stringify(args).slice(0, 200)}`);
  try {
    const question = `            [y] continue  [d] go on without it  [n] abort   (in ${ANSWER_WITHIN_MS / 1000} s: continue) `;
    const answer = await input.question(question, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    return { d: 'degrade', n: 'abort' }[answer.trim().toLowerCase()[0]] ?? 'continue';
  } catch (error) {
    if (error.name !== 'AbortError' && error.name !== 'TimeoutError') throw error;
    console.log();
    return 'continue';
  } finally {
    input.close();
  }
}

// ── 3. Afterwards ─────────────────────────────────────────────────────────────────────────────────

async function showEpisode(api, traceId) {
  const episode = await api.get(`/api/episodes/${traceId}`);
  console.log();
  for (const artifact of episode.artifacts) {
    row(
      'artifact',
      `${artifact.name} · ${artifact.mediaType} · ${size(artifact.bytes)} · ${address(artifact)}`,
    );
  }
  const counts = [
    [episode.steps.length, 'steps'],
    [episode.toolCalls.length, 'tool calls'],
    [episode.approvals.length, 'approvals'],
    [episode.events.length, 'events'],
    [episode.attempts, 'attempts'],
  ];
  row(
    'episode',
    counts.map(([count, name]) => `${count} ${count === 1 ? name.slice(0, -1) : name}`).join(' · '),
  );
  return episode;
}

/** Spans are stored behind the run, in batches: the last ones may come a moment later. */
async function showTrace(api, traceId) {
  for (let attempt = 0; ; attempt++) {
    try {
      const trace = await api.get(`/monitor/traces/${traceId}`);
      if (trace.spans.length === 0 && attempt < 10) throw new Refused('GET', 'trace', 404);
      const slowest = trace.spans
        .filter(({ kind }) => kind === 'tool')
        .sort((a, b) => b.durationUs - a.durationUs)[0];
      const detail = slowest
        ? ` · slowest tool ${slowest.name.replace(/^tool /, '')}, ${seconds(slowest.durationUs / 1000)}`
        : '';
      const took = trace.latencyMs === null ? '' : ` · ${seconds(trace.latencyMs)}`;
      row('trace', `${trace.spans.length} spans${took}${detail}`);
      return;
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 404 || attempt >= 10) throw error;
      await sleep(500);
    }
  }
}

function finish(receipts) {
  const good = receipts.every((receipt) => receipt?.status === 'succeeded');
  console.log();
  if (!good) throw new Stop('the demo did not end with a receipt that says succeeded.');
  row('done', `${receipts.length === 2 ? 'both runs' : 'the run'} succeeded · ${url}/console/`);
}

// ── How it looks ──────────────────────────────────────────────────────────────────────────────────

const MARKS = {
  'task.acceptance': ['●', 'accepted', 36],
  'task.progress.milestone': ['›', 'progress', 36],
  'approval.request': ['?', 'approval', 33],
  'anomaly.detected': ['!', 'anomaly', 33],
  'recovery.start': ['↻', 'recovering', 33],
  'recovery.done': ['↻', 'recovered', 32],
  'task.receipt': ['✔', 'receipt', 32],
};

function paint(text, colour) {
  return process.stdout.isTTY && !process.env.NO_COLOR ? `\u001b[${colour}m${text}\u001b[0m` : text;
}

/** State is a sign and a word, never colour alone. */
function say(event) {
  const [sign, word, colour] = MARKS[event.type] ?? ['·', event.type, 0];
  const bad = event.severity === 'error';
  const label = `${bad ? '✘' : sign} ${word.padEnd(10)}`;
  console.log(
    `  ${time(event.createdAt)}  ${paint(label, bad ? 31 : colour)}  ${printable(event.summary)}`,
  );
}

function heading(text) {
  console.log(`\n${paint(text, 1)}`);
}
const row = (name, text) => console.log(`  ${name.padEnd(9)} ${printable(text)}`);
const note = (text) => console.log(`            ${printable(text)}`);
const time = (iso) => new Date(iso).toTimeString().slice(0, 8);
const address = ({ artifactId }) => `${url}/api/artifacts/${artifactId}/content`;

/** What comes from a model or a file must not steer the terminal. */
const printable = (text) => String(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

function size(bytes) {
  return bytes < 1024
    ? `${bytes} B`
    : bytes < 1024 ** 2
      ? `${Math.round(bytes / 1024)} kB`
      : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

async function find(items, matches) {
  for await (const item of items) if (matches(item)) return item;
  return undefined;
}

process.once('SIGINT', () => leave(130));
process.once('SIGTERM', () => leave(143));
await runMain(main);
