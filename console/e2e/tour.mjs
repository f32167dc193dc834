/**
 * A server with work on it, and the way through its rooms: what the look-over of every room and the pictures of the
 * console both walk. A view is an address, what must stand before it counts as there, and what to open on it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { comesTo, untilEnded } from './harness.mjs';

const birdstrikes = new URL('../../ops/demo/data/birdstrikes.csv', import.meta.url);
const goals = {
  done: 'Look into the bird strikes: profile, clean, plot by month and by species, and report',
  failed: 'Compare the strikes with last year’s file',
  waiting: 'Clean the bird strikes once more, with stricter rules',
};

/** An agent, and three runs of it: one that is done, one that failed, one that waits for a person. */
export async function furnish(api) {
  const agent = await agentOf(api);
  const file = await api.upload('birdstrikes.csv', readFileSync(birdstrikes, 'utf8'));
  const send = (text, more) =>
    api.post('/api/chat/send', {
      text,
      agentId: agent.id,
      inputs: [{ name: 'birdstrikes', artifactId: file.artifactId }],
      ...more,
    });
  const done = await send(goals.done);
  await answer(api, done, 'continue');
  const failed = await send(goals.failed, {
    steps: [
      { id: 'read', tool: 'env.files.read', args: { path: 'last-year.csv' } },
      {
        id: 'profile',
        tool: 'skills.csv.profile',
        args: { file: 'last-year.csv' },
        needs: ['read'],
      },
    ],
  });
  await untilEnded(api, failed.jobId);
  const waiting = await send(goals.waiting);
  await untilPending(api, waiting);
  return { agent: agent.name, done, failed, waiting };
}

async function agentOf(api) {
  const name = 'strike-analyst';
  const { items } = await api.get('/agents?limit=200');
  const known = items.find((agent) => agent.name === name);
  if (known) return known;
  const made = await api.post('/agents', { name, template: 'data-analyst' });
  await api.post(`/agents/${made.id}/start`, {});
  await api.post(`/agents/${made.id}/register-mcp`, {});
  return made;
}

async function untilPending(api, { traceId }) {
  let approval;
  const isAsked = async () => {
    const { items } = await api.get('/agent/approvals?status=pending&limit=200');
    approval = items.find((each) => each.traceId === traceId);
    return approval !== undefined || `nothing waits in ${traceId}`;
  };
  await comesTo(isAsked, true, { withinMs: 60_000, again: () => sleep(200) });
  return approval;
}

async function answer(api, run, decision) {
  const { id: approvalId } = await untilPending(api, run);
  await api.post('/agent/approve', { approvalId, decision, comment: 'Looked at the rules' });
  await untilEnded(api, run.jobId);
}

/** `name` is the file of its picture. */
export function viewsOf({ agent, done, failed, waiting }) {
  const run = `projects/runs/${done.traceId}`;
  return [
    { name: 'chat', path: `chat/${done.conversationId}`, ready: 'aos-task-line' },
    { name: 'chat-new', path: 'chat', ready: '#goal' },
    { name: 'chat-waiting', path: `chat/${waiting.conversationId}`, ready: 'aos-task-line' },
    { name: 'monitor', path: 'monitor', ready: 'aos-chart canvas' },
    { name: 'traces', path: 'monitor/traces', ready: 'main' },
    { name: 'logs', path: 'monitor/logs', ready: 'main' },
    { name: 'map', path: 'monitor/map', ready: 'main' },
    { name: 'trace', path: `monitor/traces/${done.traceId}`, ready: 'aos-waterfall .row' },
    { name: 'projects', path: 'projects', ready: 'main [role=row]' },
    { name: 'projects-all', path: 'projects/all', ready: 'main' },
    { name: 'run', path: run, ready: 'main [role=tablist]' },
    { name: 'run-timeline', path: `${run}?tab=timeline`, ready: 'main [role=tablist]' },
    { name: 'run-artifacts', path: `${run}?tab=artifacts`, ready: 'main [role=tablist]' },
    { name: 'run-calls', path: `${run}?tab=calls`, ready: 'main [role=tablist]' },
    { name: 'run-failed', path: `projects/runs/${failed.traceId}`, ready: 'main [role=tablist]' },
    { name: 'memory', path: 'memory', ready: 'main h1' },
    { name: 'settings', path: 'settings', ready: 'main h1' },
    { name: 'integrations', path: 'integrations', ready: 'main h1' },
    { name: 'policies', path: 'integrations?view=policies', ready: 'aos-policies-view #dry-tool' },
    { name: 'pins', path: 'integrations?view=pins', ready: 'aos-pins-view [data-row]' },
    { name: 'server', path: 'integrations/skills', ready: 'main h1' },
    { name: 'agents', path: 'agents', ready: 'main h1' },
    { name: 'agent', path: `agents/${agent}`, ready: 'main [role=tablist]' },
    { name: 'agent-prompt', path: `agents/${agent}?tab=prompt`, ready: 'main [role=tablist]' },
    { name: 'agent-tools', path: `agents/${agent}?tab=tools`, ready: 'main [role=tablist]' },
    { name: 'agent-versions', path: `agents/${agent}?tab=versions`, ready: 'main [role=tablist]' },
    { name: 'agent-logs', path: `agents/${agent}?tab=logs`, ready: 'main [role=tablist]' },
  ];
}

const onTheLine = new WeakMap();

/** How many requests of the page are under way; streams are no requests. */
function watchLine(page) {
  if (onTheLine.has(page)) return;
  const open = new Set();
  onTheLine.set(page, open);
  page.on('request', (request) => {
    const isStream = /event-stream|ndjson/.test(request.headers()['accept'] ?? '');
    if (!isStream && request.resourceType() !== 'eventsource') open.add(request);
  });
  for (const end of ['requestfinished', 'requestfailed'])
    page.on(end, (request) => open.delete(request));
}

/** There, with all that loads by itself: nothing on the line, and no skeleton left. */
export async function visit(page, { path, ready }) {
  watchLine(page);
  // As a click on a link goes, without loading the console anew.
  await page.evaluate((to) => {
    window.history.pushState(null, '', to);
    window.dispatchEvent(new window.PopStateEvent('popstate'));
  }, `/console/${path}`);
  // The router writes its number there once it has taken the address up; what stood there before may look as ready.
  await page.waitForFunction(() => window.history.state?.navigationId !== undefined);
  await drawn(page);
  await page.locator(ready).first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.skeleton, .boot, .bar.arriving'));
  await comesTo(() => [...onTheLine.get(page)].map((request) => request.url()), []);
  await drawn(page);
}

const drawn = (page) =>
  page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
