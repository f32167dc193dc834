import type { Agent, AosEvent, Approval, Job, McpServerInfo, Me } from '@aos/contracts';
import type { LiveApproval } from '../app/shared/state/approvals';

let seq = 0;

export const anEvent = (over: Partial<AosEvent> = {}): AosEvent => {
  seq += 1;
  return {
    seq: over.seq ?? seq,
    id: `event-${over.seq ?? seq}`,
    traceId: 'trace-1',
    jobId: 'job-1',
    projectId: null,
    topic: 'task',
    type: 'task.progress.milestone',
    severity: 'info',
    summary: 'Profiled the file.',
    payload: {},
    links: [],
    createdAt: '2026-11-22T10:00:00.000Z',
    ...over,
  };
};

export const aJob = (over: Partial<Job> = {}): Job => ({
  id: 'job-1',
  traceId: 'trace-1',
  goal: 'Clean the file',
  status: 'running',
  priority: 5,
  projectId: null,
  agentId: null,
  agentName: null,
  conversationId: null,
  rerunOf: null,
  attempts: 1,
  progress: { done: 0, total: 4, current: null },
  createdBy: 'Mara',
  createdAt: '2026-11-22T10:00:00.000Z',
  scheduledAt: null,
  startedAt: '2026-11-22T10:00:00.000Z',
  finishedAt: null,
  error: null,
  ...over,
});

export const anApproval = (over: Partial<LiveApproval> = {}): LiveApproval => ({
  id: 'approval-1',
  jobId: 'job-1',
  traceId: 'trace-1',
  stepId: 'clean',
  projectId: null,
  tool: 'skills.csv.clean',
  reason: 'It writes a file.',
  args: { file: 'a.csv' },
  schema: {},
  status: 'pending',
  secondPerson: false,
  approvers: { count: 1, secondPerson: false },
  given: 0,
  votes: [],
  you: { obstacle: null, mayBreakGlass: false },
  requestedBy: 'agent:1',
  requestedByName: 'data-analyst',
  createdAt: new Date().toISOString(),
  expiresAt: new Date(Date.now() + 600_000).toISOString(),
  decidedBy: null,
  decidedAt: null,
  comment: null,
  deciding: null,
  problem: null,
  ...over,
});

export const aRow = (over: Partial<Approval> = {}): Approval => {
  const { deciding: _, problem: __, ...row } = anApproval();
  return { ...row, ...over };
};

export const me: Me = {
  user: { id: 'u1', email: 'mara@example.com', name: 'Mara', roles: ['owner'] },
  permissions: ['task.create', 'approval.decide'],
  authenticatedBy: 'session',
  mustSetUpSecondFactor: false,
  csrfToken: 'csrf',
  hasPassword: true,
  signedInBy: null,
};

const registeredAt = '2026-11-22T10:00:00.000Z';
export const serverInfo: McpServerInfo = {
  ...{ name: 'shop', url: 'https://shop.example/mcp', transport: 'http', command: null, args: [] },
  ...{ description: 'The shop', authSecret: null, oauth: null, caps: {}, enabled: true },
  health: { state: 'healthy', checkedAt: registeredAt, error: null, latencyMs: 4 },
  quota: { perMinute: null, perDay: null, concurrent: { limit: 16, used: 0 } },
  limits: {},
  circuit: { state: 'closed', retryAt: null },
  stats: { windowSeconds: 60, calls: 0, errors: 0, errorRate: 0, p50Ms: null, p95Ms: null },
  pins: { changed: 0, quarantined: 0 },
  leftOut: [],
  ...{ tools: 0, timeoutMs: 30_000, idempotentTools: [], version: 1 },
  ...{ createdAt: registeredAt, updatedAt: registeredAt },
};

export const anAgent = (over: Partial<Agent> = {}): Agent => ({
  ...{ id: '7', name: 'analyst', type: 'local', version: '1', status: 'running', replicas: 1 },
  ...{ routePrefix: null, registered: false, load: { running: 0, queued: 0 }, lastError: null },
  config: { prompt: 'Be brief.', sop: [], tools: [], env: [], concurrency: 2 },
  createdAt: registeredAt,
  ...over,
});
