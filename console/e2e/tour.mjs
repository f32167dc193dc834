/**
 * A server with work on it, and the way through its rooms: what the look-over of every room and the pictures of the
 * console both walk. A view is an address, what must stand before it counts as there, and what to open on it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { comesTo, pressUntil, untilEnded } from './harness.mjs';

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
  await makeBlueprint(api);
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

const airfield = {
  id: 'airfield',
  name: 'Airfield safety',
  description: 'What strikes aircraft at our fields, and what keeps it away.',
};
const monthly = 'Monthly strike report';

/** A project with a blueprint of two versions. */
async function makeBlueprint(api) {
  const made = await api.send('POST', '/projects', airfield);
  if (made.status() === 409) return;
  const steps = [
    { id: 'profile', tool: 'skills.csv.profile', args: { file: '${inputs.strikes}' } },
    {
      id: 'clean',
      tool: 'skills.csv.clean',
      args: { file: '${inputs.strikes}' },
      needs: ['profile'],
      approval: 'required',
    },
    {
      id: 'plot',
      tool: 'skills.viz.plot',
      args: {
        file: '${steps.clean.artifactId}',
        kind: 'bar',
        x: 'month',
        title: 'Strikes by month',
      },
    },
    { id: 'compare', tool: 'skills.csv.profile', args: { file: '${inputs.last-year}' } },
  ];
  const blueprints = `/projects/${airfield.id}/blueprints`;
  const { id } = await api.post(blueprints, {
    name: monthly,
    description: 'What was struck, cleaned and drawn, for the meeting of the first Monday.',
    inputs: [
      { name: 'strikes', mediaType: 'text/csv', description: 'The month’s reports' },
      { name: 'last-year', required: false, mediaType: 'text/csv' },
    ],
    steps: steps.slice(0, 3),
    comment: 'As it was done by hand',
  });
  await api.post(blueprints, {
    name: 'Look over a new file',
    description: 'Columns, blanks and odd values.',
    inputs: [{ name: 'file' }],
    steps: [{ id: 'profile', tool: 'skills.csv.profile', args: { file: '${inputs.file}' } }],
  });
  await api.patch(`${blueprints}/${id}`, { steps, comment: 'Beside last year' }, 1);
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

/** What fills the rooms besides the runs. It holds for everybody on the server, so only the pictures have it. */
export async function fill(api) {
  const project = airfield;
  const facts = [
    ['fact', 'Airports', 'The report covers fifty airports, from 1990 to 2002.', null],
    ['preference', 'Charts', 'Name the month in words, and say the source under the chart.', null],
    ['lesson', 'Dates', 'Rows before 1990 have two-digit years: leave them out.', project.id],
  ];
  for (const [kind, subject, text, projectId] of facts)
    await api.post('/memory/items', { kind, subject, text, projectId });
  for (const [name, value] of [
    ['season', 'autumn'],
    ['airports', ['OSL', 'BGO', 'TRD']],
  ])
    await api.post(`/projects/${project.id}/vars`, { name, value, usage: 'For every report' });
  await api.put('/config/runtime/secrets/WEATHER_KEY', {
    value: 'not-a-real-key',
    purpose: 'Weather at the field',
  });
  await api.post('/rbac/users', {
    email: 'mara@example.com',
    name: 'Mara Lind',
    password: 'a long enough password',
    role: 'operator',
  });
  await api.post('/auth/tokens', { name: 'nightly report' });
  await api.put(
    '/mcp/policies',
    {
      rules: [
        {
          id: 'ask-before-shell',
          effect: 'approve',
          description: 'A person looks at every command first.',
          tools: ['env.shell.*'],
        },
        {
          id: 'no-deleting',
          effect: 'deny',
          tools: ['*delete*'],
          roles: ['operator'],
        },
      ],
    },
    (await api.get('/mcp/policies')).version,
  );
}

const dialog = 'dialog[open]';

/** `name` is the file of its picture. */
export function viewsOf({ agent, done, failed, waiting }) {
  const run = `projects/runs/${done.traceId}`;
  const blueprint = `projects/blueprints/${airfield.id}/${encodeURIComponent(monthly)}`;
  const tabs = 'main [role=tablist]';
  const heading = 'main h1';
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
    {
      name: 'blueprints',
      path: `projects/blueprints?project=${airfield.id}`,
      ready: 'main [data-row]',
    },
    { name: 'blueprint', path: blueprint, ready: 'aos-step-card' },
    {
      name: 'blueprint-step',
      path: blueprint,
      ready: 'aos-step-card',
      open: (page) => page.locator('aos-step-card .fold').nth(1).click(),
      shows: 'aos-step-card .fields',
    },
    {
      name: 'blueprint-order',
      path: `${blueprint}?tab=order`,
      ready: 'aos-plan-graph .node:visible, aos-plan-list [data-step]:visible',
    },
    {
      name: 'blueprint-versions',
      path: `${blueprint}?tab=versions`,
      ready: 'aos-difference .lines',
    },
    { name: 'blueprint-run', path: `${blueprint}?open=run`, ready: dialog, shows: dialog },
    {
      name: 'blueprint-new',
      path: `projects/blueprints/${airfield.id}/new`,
      ready: 'aos-step-card',
    },
    { name: 'run', path: run, ready: tabs },
    ...['timeline', 'artifacts', 'trace', 'events', 'logs', 'calls', 'audit'].map((tab) => ({
      name: `run-${tab}`,
      path: `${run}?tab=${tab}`,
      ready: tabs,
    })),
    { name: 'compare', path: `${run}/compare?with=${waiting.traceId}`, ready: 'aos-step-row' },
    {
      name: 'compare-step',
      path: `${run}/compare?with=${waiting.traceId}&step=profile`,
      ready: 'aos-step-row aos-difference',
    },
    { name: 'compare-choose', path: `${run}/compare`, ready: 'aos-run-chooser li' },
    { name: 'run-failed', path: `projects/runs/${failed.traceId}`, ready: tabs },
    { name: 'memory', path: 'memory', ready: heading },
    { name: 'memory-vars', path: 'memory/vars', ready: heading },
    { name: 'memory-profile', path: 'memory/profile', ready: heading },
    { name: 'settings', path: 'settings', ready: heading },
    ...[
      'system',
      'history',
      'proposals',
      'runtime',
      'people',
      'roles',
      'access',
      'audit',
      'preferences',
    ].map((page) => ({ name: `settings-${page}`, path: `settings/${page}`, ready: heading })),
    {
      name: 'settings-audit-row',
      path: 'settings/audit',
      ready: 'main [data-row]',
      open: (page) => page.locator('main [data-row]').first().click(),
      shows: 'aos-audit-detail',
    },
    {
      name: 'settings-audit-verified',
      path: 'settings/audit',
      ready: 'main [data-row]',
      open: (page) => page.locator('main header button').nth(1).click(),
      shows: '[data-testid=audit-check] aos-state',
    },
    { name: 'integrations', path: 'integrations', ready: heading },
    { name: 'tools', path: 'integrations?view=tools', ready: 'main [role=row]' },
    { name: 'policies', path: 'integrations?view=policies', ready: 'aos-policies-view #dry-tool' },
    { name: 'pins', path: 'integrations?view=pins', ready: 'aos-pins-view [data-row]' },
    { name: 'server', path: 'integrations/skills', ready: heading },
    { name: 'server-calls', path: 'integrations/skills?tab=calls', ready: 'main [data-row]' },
    { name: 'server-settings', path: 'integrations/skills?tab=settings', ready: tabs },
    { name: 'tool', path: 'integrations/skills/csv.clean', ready: heading },
    { name: 'agents', path: 'agents', ready: heading },
    { name: 'agent', path: `agents/${agent}`, ready: tabs },
    ...['prompt', 'tools', 'environment', 'versions'].map((tab) => ({
      name: `agent-${tab}`,
      path: `agents/${agent}?tab=${tab}`,
      ready: tabs,
    })),
    { name: 'agent-logs', path: `agents/${agent}?tab=logs`, ready: 'aos-agent-logs .entry' },
    {
      name: 'palette',
      path: 'agents',
      ready: heading,
      open: (page) => page.keyboard.press('Control+k'),
      shows: `aos-palette ${dialog}`,
    },
    {
      name: 'shortcuts',
      path: 'agents',
      ready: heading,
      open: (page) => page.keyboard.press('?'),
      shows: `aos-shortcuts ${dialog}`,
    },
    {
      name: 'account',
      path: 'agents',
      ready: heading,
      open: (page) => page.locator('button.me').click(),
      shows: '[role=menu]',
    },
    {
      name: 'inbox',
      path: 'agents',
      ready: heading,
      open: (page) => page.locator('button.inbox').click(),
      shows: 'aside.drawer aos-approval-card',
    },
    {
      name: 'edit-arguments',
      path: `chat/${waiting.conversationId}?pane=stream`,
      ready: 'main aos-approval-card',
      open: (page) =>
        pressUntil(
          page.locator('main aos-approval-card .besides button').first(),
          page.locator(dialog),
        ),
      shows: dialog,
    },
    {
      name: 'register',
      path: 'integrations',
      ready: heading,
      open: (page) => page.locator('main header .btn.filled').click(),
      shows: dialog,
    },
    { name: 'import', path: 'integrations?import=mcp', ready: dialog, shows: dialog },
    { name: 'import-openapi', path: 'integrations?import=openapi', ready: dialog, shows: dialog },
    {
      name: 'rule',
      path: 'integrations?view=policies',
      ready: 'aos-policies-view #dry-tool',
      open: (page) => page.locator('aos-policies-view .bar > .btn').click(),
      shows: dialog,
    },
    {
      name: 'create-agent',
      path: 'agents',
      ready: heading,
      open: (page) => page.locator('main header .btn.filled').click(),
      shows: dialog,
    },
    {
      name: 'remember',
      path: 'memory',
      ready: heading,
      open: (page) => page.locator('main .btn.filled').click(),
      shows: dialog,
    },
    {
      name: 'second-factor',
      path: 'second-factor',
      ready: '#own-password',
      open: async (page) => {
        await page.fill('#own-password', process.env.AOS_OWNER_PASSWORD);
        await page.keyboard.press('Enter');
      },
      shows: 'svg.qr',
    },
    {
      name: 'new-token',
      path: 'settings/account',
      ready: heading,
      open: (page) => page.locator('main .top .btn').click(),
      shows: dialog,
    },
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

/** There, with all that loads by itself: nothing on the line, and no skeleton left. What was open over a room is shut. */
export async function visit(page, { path, ready, open, shows }) {
  watchLine(page);
  await shut(page);
  await goTo(page, `/console/${path}`);
  await page.locator(ready).first().waitFor();
  await atRest(page);
  if (open) await open(page);
  if (shows) await page.locator(shows).first().waitFor();
  if (open) await atRest(page);
}

/** As a click on a link goes, without loading the console anew. To where the page is already, the router goes nowhere. */
async function goTo(page, address) {
  const { pathname, search } = new URL(page.url());
  if (pathname + search === address) return;
  await page.evaluate((to) => {
    window.history.pushState(null, '', to);
    window.dispatchEvent(new window.PopStateEvent('popstate'));
  }, address);
  // The router writes its number there once it has taken the address up; what stood there before may look as ready.
  await page.waitForFunction(() => window.history.state?.navigationId !== undefined);
  await drawn(page);
}

const overRooms = 'dialog[open], aside.drawer, [role=menu]';

/**
 * One Escape for each that is open. A second one, while the first takes its part out of the address, would take out that
 * of the next view, which has come there meanwhile; it is for one that did not hear the first.
 */
async function shut(page) {
  const count = () => page.locator(overRooms).count();
  for (let open = await count(); open > 0; open = await count()) {
    const isFewer = async () => (await count()) < open;
    await page.keyboard.press('Escape');
    await comesTo(isFewer, true, { withinMs: 2_000 }).catch(() => undefined);
  }
}

async function atRest(page) {
  await page.waitForFunction(() => !document.querySelector('.skeleton, .boot, .bar.arriving'));
  await comesTo(() => [...onTheLine.get(page)].map((request) => request.url()), []);
  await drawn(page);
}

const drawn = (page) =>
  page.evaluate(
    () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
  );
