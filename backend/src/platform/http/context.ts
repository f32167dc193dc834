import type { Permission } from '@aos/contracts';

/** Who acts. Built by the authenticator, never from what a client says about itself. */
export interface Principal {
  kind: 'user' | 'token' | 'agent' | 'system';
  /** Stable and unique, for audit and idempotency: `user:<uuid>`, `token:<uuid>`, `agent:<id>`, `system`. */
  id: string;
  /** For people to read. */
  name: string;
  /** The person behind a session, a token or an agent's run: what "not your own" is decided on. */
  userId: string | null;
  /** What may be done, and where. `projectId: null` is everywhere. */
  grants: readonly { permission: Permission; projectId: string | null }[];
  /** Set when what was shown narrows the rights: a capability grant, or the scopes of a foreign token. */
  capability?: Capability;
}

/** What narrows a principal besides the grants. It never widens anything. */
export interface Capability {
  id: string;
  /** `server.tool`, with `*` for any run of characters. */
  tools: readonly string[];
  limits: { maxCalls?: number | undefined };
  expiresAt: Date;
  /** What was shown, for the words of a refusal. */
  kind: 'grant' | 'scope';
}

/** Carried as a visible first argument through every command. */
export interface Ctx {
  actor: Principal;
  traceId: string;
  ip: string | null;
  /** Set while what somebody proposed is done: `actor` is the one who confirmed it, with whose rights it is done. */
  confirms?: Confirmed;
}

/** Who proposed what is being done. Each audit row that is written meanwhile names them too. */
export interface Confirmed {
  proposal: string;
  proposedBy: string;
  proposedByName: string;
  proposedByUser: string | null;
  confirmedBy: string;
  /** The reason, where nobody else confirmed it. */
  breakGlass?: string | undefined;
}

/** The one answer to "may they". Null or no project asks for the permission everywhere. */
export function isAllowed(
  actor: Principal,
  permission: Permission,
  projectId: string | null = null,
): boolean {
  return actor.grants.some(
    (grant) =>
      grant.permission === permission &&
      (grant.projectId === null || grant.projectId === projectId),
  );
}

/** Projects in which the permission holds: 'all', or a list that may be empty. For filters of lists. */
export function allowedProjects(actor: Principal, permission: Permission): 'all' | string[] {
  const projects: string[] = [];
  for (const grant of actor.grants) {
    if (grant.permission !== permission) continue;
    if (grant.projectId === null) return 'all';
    projects.push(grant.projectId);
  }
  return projects;
}

/** The process itself: migrations, schedulers, the recovery of jobs. */
export const systemPrincipal: Principal = {
  kind: 'system',
  id: 'system',
  name: 'AOS',
  userId: null,
  grants: [],
};
