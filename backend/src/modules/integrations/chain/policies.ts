import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Policies as PoliciesAnswer, PolicyDocument } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Principal } from '../../../platform/http/context.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { type CompiledPolicy, compile, faultsOf } from './policy-rules.js';

/** How old the rules may be when another process changed them and its wake-up was lost. */
const CACHE_MS = 5_000;
const MOST_PEOPLE = 10_000;

export interface StoredPolicies {
  version: number;
  document: PolicyDocument;
  /** Undefined when what is stored cannot be read: then nothing may be called. */
  compiled: CompiledPolicy | undefined;
  createdBy: string;
  createdAt: Date;
}

/**
 * The rules as they are now: one document, versioned like the settings and beside them (`config_versions`,
 * scope `policies`), since the order of its rules is part of what it says. Version 0 is the empty document that
 * stands before anybody saved one: everything is allowed that the rights allow.
 */
@Injectable()
export class Policies implements OnApplicationShutdown {
  private readonly logger = new Logger(Policies.name);
  private cached: { stored: StoredPolicies; staleAt: number } | undefined;
  private readonly roles = new Map<string, { roles: RoleOfPerson[]; staleAt: number }>();
  private generation = 0;
  private readonly stopListening: () => void;

  constructor(
    private readonly database: Database,
    wakeups: Wakeups,
  ) {
    this.stopListening = wakeups.on('control', () => this.forget());
  }

  /** Something shows that they are others by now. */
  forget(): void {
    this.generation++;
    this.cached = undefined;
    this.roles.clear();
  }

  onApplicationShutdown(): void {
    this.stopListening();
  }

  async stored(): Promise<StoredPolicies> {
    if (this.cached && performance.now() < this.cached.staleAt) return this.cached.stored;
    const generation = this.generation;
    const [row] = await this.database.query<PoliciesRow>(latest);
    const stored = this.read(row);
    if (generation === this.generation)
      this.cached = { stored, staleAt: performance.now() + CACHE_MS };
    return stored;
  }

  /** The latest version, locked against other writers until the transaction ends. */
  async lock(tx: Tx): Promise<StoredPolicies> {
    await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended('config:policies', 726301))`);
    const { rows } = await sql<PoliciesRow>(tx, latest);
    return this.read(rows[0]);
  }

  /** Roles that someone has everywhere or in the project. */
  async rolesOf(actor: Principal, projectId: string | null): Promise<string[]> {
    if (actor.userId === null) return [];
    const all = await this.rolesOfPerson(actor.userId);
    return all
      .filter((each) => each.projectId === null || each.projectId === projectId)
      .map((each) => each.role);
  }

  private async rolesOfPerson(userId: string): Promise<RoleOfPerson[]> {
    const kept = this.roles.get(userId);
    if (kept && performance.now() < kept.staleAt) return kept.roles;
    const generation = this.generation;
    const roles = await this.database.query<RoleOfPerson>(
      `SELECT role, project_id AS "projectId" FROM role_bindings WHERE user_id = $1`,
      [userId],
    );
    if (generation !== this.generation) return roles;
    if (this.roles.size >= MOST_PEOPLE) this.roles.delete(this.roles.keys().next().value!);
    this.roles.set(userId, { roles, staleAt: performance.now() + CACHE_MS });
    return roles;
  }

  private read(row: PoliciesRow | undefined): StoredPolicies {
    const parsed = PolicyDocument.safeParse(row?.config ?? {});
    const isSound = parsed.success && faultsOf(parsed.data).length === 0;
    // A newer version of AOS may have written what this one does not know; guessing would open doors.
    if (!isSound)
      this.logger.error('The stored policies cannot be read; no tool is called until they can.');
    const document = parsed.success ? parsed.data : PolicyDocument.parse({ default: 'deny' });
    return {
      version: row?.version ?? 0,
      document,
      compiled: isSound ? compile(document) : undefined,
      createdBy: row?.created_by ?? 'system',
      createdAt: row?.created_at ?? new Date(0),
    };
  }
}

export const toPolicies = (stored: StoredPolicies): PoliciesAnswer => ({
  version: stored.version,
  updatedAt: stored.version === 0 ? null : stored.createdAt.toISOString(),
  updatedBy: stored.createdBy,
  document: stored.document,
});

interface RoleOfPerson {
  role: string;
  projectId: string | null;
}

export interface PoliciesRow {
  version: number;
  config: unknown;
  created_by: string;
  created_at: Date;
}

const latest = `SELECT version, config, created_by, created_at FROM config_versions
  WHERE scope = 'policies' ORDER BY version DESC LIMIT 1`;
