import type { Job, JobStatus } from '@aos/contracts';

/** How far back each choice of `since` goes. */
export const sinceMs = {
  '1h': 3_600_000,
  '24h': 86_400_000,
  '7d': 7 * 86_400_000,
  '30d': 30 * 86_400_000,
} as const;
/** Choices of `took`: milliseconds from-to, either side may be open. */
export const lengths = ['-1000', '1000-10000', '10000-60000', '60000-600000', '600000-'] as const;
/** The states that people speak of together. */
export const groups: Record<'all' | 'running' | 'queued' | 'done', readonly JobStatus[]> = {
  all: [],
  running: ['running', 'waiting'],
  queued: ['queued', 'scheduled'],
  done: ['succeeded', 'failed', 'cancelled'],
};

const statuses = [...groups.running, ...groups.queued, ...groups.done];

/** The filter as the address has it. */
export interface TaskParams {
  project?: string | undefined;
  status?: string | undefined;
  agent?: string | undefined;
  text?: string | undefined;
  since?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  took?: string | undefined;
}

export interface TaskFilter {
  projectId: string | null;
  statuses: readonly JobStatus[];
  agentId: string | null;
  text: string;
  from: number | null;
  to: number | null;
  minMs: number | null;
  maxMs: number | null;
}

export interface TasksRequest {
  status?: string;
  projectId?: string;
  agentId?: string;
  text?: string;
  from?: string;
  to?: string;
  minMs?: number;
  maxMs?: number;
}

/** An address is typed by hand too: what makes no sense in it is left out. */
export function filterOf(params: TaskParams, now: number): TaskFilter {
  const back = sinceMs[params.since as keyof typeof sinceMs] as number | undefined;
  const [min, max] = rangeOf(params.took);
  return {
    projectId: params.project || null,
    statuses: statuses.filter((status) => params.status?.split(',').includes(status)),
    agentId: params.agent || null,
    text: params.text?.trim().slice(0, 200) ?? '',
    from: back === undefined ? timeOf(params.from) : now - back,
    to: timeOf(params.to),
    minMs: min,
    maxMs: max,
  };
}

function rangeOf(took: string | undefined): [number | null, number | null] {
  const match = /^(\d{0,12})-(\d{0,12})$/.exec(took ?? '');
  return match ? [numberOf(match[1]!), numberOf(match[2]!)] : [null, null];
}
const numberOf = (text: string) => (text === '' ? null : Number(text));
function timeOf(text: string | undefined): number | null {
  const time = Date.parse(text ?? '');
  return Number.isNaN(time) ? null : time;
}

export function requestOf(filter: TaskFilter): TasksRequest {
  return {
    ...(filter.statuses.length && { status: filter.statuses.join(',') }),
    ...(filter.projectId !== null && { projectId: filter.projectId }),
    ...(filter.agentId !== null && { agentId: filter.agentId }),
    ...(filter.text && { text: filter.text }),
    ...(filter.from !== null && { from: new Date(filter.from).toISOString() }),
    ...(filter.to !== null && { to: new Date(filter.to).toISOString() }),
    ...(filter.minMs !== null && { minMs: filter.minMs }),
    ...(filter.maxMs !== null && { maxMs: filter.maxMs }),
  };
}

/**
 * The same question that the server answers, asked of a row here: what the stream brings must show up in the list, or
 * leave it, without a reload. How long a task runs is left to the server: rows do not come and go by themselves.
 */
export function matches(filter: TaskFilter, job: Job): boolean {
  const { projectId, statuses, agentId, text, from, to } = filter;
  if (projectId !== null && job.projectId !== projectId) return false;
  if (statuses.length && !statuses.includes(job.status)) return false;
  if (agentId !== null && job.agentId !== agentId && job.agentName !== agentId) return false;
  if (text && !job.goal.toLowerCase().includes(text.toLowerCase())) return false;
  const created = from === null && to === null ? 0 : Date.parse(job.createdAt);
  if (from !== null && created < from) return false;
  if (to !== null && created >= to) return false;
  return fitsLength(filter, job);
}

function fitsLength({ minMs, maxMs }: TaskFilter, job: Job): boolean {
  if (minMs === null && maxMs === null) return true;
  if (!job.startedAt) return false;
  if (!job.finishedAt) return true;
  const took = Date.parse(job.finishedAt) - Date.parse(job.startedAt);
  return (minMs === null || took >= minMs) && (maxMs === null || took <= maxMs);
}
