import type { AosEvent, Approval, Approvers, ArtifactRef, Receipt } from '@aos/contracts';

/**
 * What the payloads of the value events hold. They come from our own server, but a version older or newer than
 * this console may have sent them: each reader takes what fits and does without the rest.
 */
type Bag = Record<string, unknown>;

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const count = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;
export const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const acceptanceOf = ({ payload }: AosEvent) => ({
  goal: text(payload['goal']),
  steps: Array.isArray(payload['steps']) ? payload['steps'].length : count(payload['steps']),
  agent: text(payload['agentName']) ?? text(payload['agent']),
  agentId: text(payload['agentId']),
  rerunOf: text(payload['rerunOf']),
  /** Only of a task that is to start later. */
  scheduledAt: text(payload['scheduledAt']),
});

export const milestoneOf = ({ payload }: AosEvent) => ({
  /** Of a yes among several that are wanted: the task waits as before. */
  approvalId: text(payload['approvalId']),
  stepId: text(payload['stepId']),
  done: count(payload['done']),
  total: count(payload['total']),
});

export const receiptOf = ({ payload }: AosEvent): Receipt | null =>
  text(payload['status']) === null
    ? null
    : {
        status: payload['status'] as Receipt['status'],
        summary: text(payload['summary']) ?? '',
        artifacts: artifactsOf(payload),
        cost: isBag(payload['cost'])
          ? (payload['cost'] as Receipt['cost'])
          : { cny: 0, inputTokens: 0, outputTokens: 0 },
        durationMs: count(payload['durationMs']) ?? 0,
        attempts: count(payload['attempts']) ?? 1,
      };

export const artifactsOf = (payload: Bag): ArtifactRef[] =>
  (Array.isArray(payload['artifacts']) ? payload['artifacts'] : []).filter(
    (item): item is ArtifactRef => isBag(item) && text(item['artifactId']) !== null,
  );

export function approvalOf(event: AosEvent): Approval | null {
  const { payload } = event;
  const id = text(payload['approvalId']);
  const tool = text(payload['tool']);
  const expiresAt = text(payload['expiresAt']);
  if (!id || !tool || !expiresAt) return null;
  return {
    id,
    jobId: event.jobId,
    traceId: event.traceId,
    stepId: text(payload['stepId']) ?? '',
    projectId: event.projectId,
    tool,
    reason: text(payload['reason']) ?? '',
    ...saidIn(payload),
    args: isBag(payload['args']) ? payload['args'] : {},
    schema: isBag(payload['schema']) ? payload['schema'] : {},
    status: 'pending',
    secondPerson: payload['secondPerson'] === true,
    approvers: approversIn(payload),
    given: 0,
    votes: [],
    // What whoever looks may do about it is the server's to say: see `askWhatIMay`.
    you: { obstacle: null, mayBreakGlass: false },
    requestedBy: text(payload['requestedBy']) ?? '',
    requestedByName: text(payload['requestedByName']) ?? '',
    createdAt: event.createdAt,
    expiresAt,
    decidedBy: null,
    decidedAt: null,
    comment: null,
  };
}

function approversIn(payload: Bag): Approvers {
  const of = isBag(payload['approvers']) ? payload['approvers'] : {};
  const roles = Array.isArray(of['roles']) ? of['roles'].map(String) : [];
  return {
    count: count(of['count']) ?? 1,
    secondPerson: payload['secondPerson'] === true,
    ...(roles.length > 0 && { roles }),
  };
}

/** Of an approval: the reason is what the event says. */
function saidIn({ said }: Bag): Pick<Approval, 'said'> {
  const [first] = Array.isArray(said) ? (said as unknown[]) : [];
  return isBag(first) && text(first['code']) !== null ? { said: first as Approval['said'] } : {};
}

export const anomalyOf = ({ payload }: AosEvent) => ({
  kind: text(payload['kind']),
  sample: payload['sample'] ?? null,
});

export const recoveryOf = ({ payload }: AosEvent) => ({
  attempt: count(payload['attempt']),
  reason: text(payload['reason']),
});
