import type { JobStatus } from '@aos/contracts';

/**
 * Every way from one state of a job to another. There is no other: each statement of the queue takes the
 * state that it leaves from here, so a job in any other state is not touched by it. (The two that are
 * functions of the database, claim_jobs and finish_jobs, have it written out; the test of the table tries
 * every way from every state.)
 *
 *     scheduled ──promote──> queued ──claim──> running ──finish──> succeeded | failed | cancelled
 *         ^                    ^ ^               │ │
 *         │                    │ └──resume── waiting <──suspend
 *         └──────retry─────────┴─────────────────┘
 *             release          release, rescue
 *
 *     cancel ends what nobody works on; a running job is asked, and ended by its worker or its rescue.
 */
export const transitions = {
  promote: { from: ['scheduled'], to: ['queued'] },
  claim: { from: ['queued'], to: ['running'] },
  /** By the worker that holds the lease. `cancelled` when it heeds a cancel. */
  finish: { from: ['running'], to: ['succeeded', 'failed', 'cancelled'] },
  suspend: { from: ['running'], to: ['waiting', 'cancelled'] },
  /** `scheduled` with a pause, `queued` without, `failed` when the attempts are used up. */
  retry: { from: ['running'], to: ['scheduled', 'queued', 'failed', 'cancelled'] },
  /** `scheduled` with a pause, `queued` without. */
  release: { from: ['running'], to: ['scheduled', 'queued', 'cancelled'] },
  /** Of a lease that has run out. */
  rescue: { from: ['running'], to: ['queued', 'failed', 'cancelled'] },
  resume: { from: ['waiting'], to: ['queued'] },
  cancel: { from: ['scheduled', 'queued', 'waiting'], to: ['cancelled'] },
} as const satisfies Record<string, { from: readonly JobStatus[]; to: readonly JobStatus[] }>;

export type Transition = keyof typeof transitions;

export const finalStatuses = ['succeeded', 'failed', 'cancelled'] as const satisfies JobStatus[];

export const isFinal = (status: JobStatus): status is (typeof finalStatuses)[number] =>
  (finalStatuses as readonly JobStatus[]).includes(status);

/** The states that a transition may leave, as an SQL condition on `column`. */
export function leaves(transition: Transition, column = 'status'): string {
  const states = transitions[transition].from.map((state) => `'${state}'`);
  // One state is written as an equality, which the partial indexes of `jobs` are found by.
  return states.length === 1 ? `${column} = ${states[0]}` : `${column} IN (${states.join(', ')})`;
}
