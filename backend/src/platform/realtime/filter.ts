import { type AosEvent, type ValueEventType, isValueEvent, valueEventTypes } from '@aos/contracts';
import { type Principal, allowedProjects } from '../http/context.js';

/** What a client asked for. */
export interface Wish {
  types?: readonly ValueEventType[];
  traceId?: string;
}

/**
 * Which events a connection gets: value types, those it asked for, of projects whose tasks it may read.
 * Events of no project go to those who may read tasks everywhere.
 */
export class Filter {
  /** Connections with equal keys get the same bytes. */
  readonly key: string;
  private readonly types: ReadonlySet<string>;
  private readonly projects: 'all' | ReadonlySet<string>;

  constructor(
    readonly wish: Wish,
    principal: Principal,
  ) {
    const projects = allowedProjects(principal, 'task.read');
    this.projects = projects === 'all' ? 'all' : new Set(projects);
    this.types = new Set(wish.types?.length ? wish.types : valueEventTypes);
    this.key = JSON.stringify([
      [...this.types].sort(),
      wish.traceId ?? null,
      projects === 'all' ? 'all' : [...projects].sort(),
    ]);
  }

  matches(event: AosEvent): boolean {
    return (
      isValueEvent(event.type) &&
      this.types.has(event.type) &&
      (this.wish.traceId === undefined || event.traceId === this.wish.traceId) &&
      (this.projects === 'all' || (event.projectId !== null && this.projects.has(event.projectId)))
    );
  }

  /** The same as a condition on `events e`, with the parameters from $`from` on. */
  toSql(from: number): { condition: string; values: unknown[] } {
    const values: unknown[] = [[...this.types]];
    let condition = `e.type = ANY($${from})`;
    if (this.wish.traceId !== undefined)
      condition += ` AND e.trace_id = $${from + values.push(this.wish.traceId) - 1}`;
    if (this.projects !== 'all')
      condition += ` AND e.project_id = ANY($${from + values.push([...this.projects]) - 1})`;
    return { condition, values };
  }
}

export const mayStream = (principal: Principal): boolean =>
  principal.grants.some((grant) => grant.permission === 'task.read');
