import { Injectable } from '@nestjs/common';
import {
  type ForeseenCall,
  type Page,
  type Permission,
  type PageQuery,
  type Policies as PoliciesAnswer,
  type PoliciesPreview,
  PolicyDocument,
  type PreviewPolicies,
} from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { Database } from '../../platform/database/database.js';
import type { Ctx, Principal } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { configChanges } from '../config/index.js';
import { isSameRequirement } from './chain/approvers.js';
import { Policies, type PoliciesRow, toPolicies } from './chain/policies.js';
import { type CompiledPolicy, type Question, compile } from './chain/policy-rules.js';
import { requireSound } from './commands/save-policies.js';
import { Gateway } from './gateway.js';

/** So many calls on record are judged by a draft. */
const LOOKED_AT = 500;
const MOST_SHOWN = 50;

@Injectable()
export class PoliciesQueries {
  constructor(
    private readonly database: Database,
    private readonly policies: Policies,
    private readonly gateway: Gateway,
  ) {}

  async current(): Promise<PoliciesAnswer> {
    return toPolicies(await this.policies.stored());
  }

  /** Versions, the newest first. */
  async history(query: PageQuery): Promise<Page<PoliciesAnswer>> {
    const before = decodeCursor(query.cursor, 1)?.[0];
    const rows = await this.database.query<PoliciesRow>(
      `SELECT version, config, created_by, created_at FROM config_versions
        WHERE scope = 'policies' AND ($1::int IS NULL OR version < $1) ORDER BY version DESC LIMIT $2`,
      [before ?? null, query.limit + 1],
    );
    return toPage(
      rows,
      query.limit,
      (row) => [row.version],
      (row) => ({
        version: row.version,
        updatedAt: row.created_at.toISOString(),
        updatedBy: row.created_by,
        document: PolicyDocument.safeParse(row.config).data ?? PolicyDocument.parse({}),
      }),
    );
  }

  /** What saving a draft would change: in the document, for a call, and for the last calls on record. */
  async preview(ctx: Ctx, { document, call }: PreviewPolicies): Promise<PoliciesPreview> {
    requireSound(document);
    const present = await this.policies.stored();
    const before = present.compiled ?? compile(present.document);
    const draft = compile(document);
    return {
      baseVersion: present.version,
      changes: configChanges(present.document, document),
      call: call ? await this.foresee(ctx, call, before, draft) : null,
      recent: await this.recent(before, draft),
    };
  }

  private async foresee(
    ctx: Ctx,
    call: NonNullable<PreviewPolicies['call']>,
    before: CompiledPolicy,
    draft: CompiledPolicy,
  ): Promise<ForeseenCall> {
    const { server, tool, args, projectId } = call;
    const agent = call.agent === undefined ? undefined : await this.agent(call.agent);
    const isSelf = agent === undefined && call.roles.length === 0;
    const question = {
      ...{ server, tool, args, projectId },
      roles: isSelf ? await this.policies.rolesOf(ctx.actor, projectId) : call.roles,
      agent: agent ? [agent.name, agent.id] : [],
    };
    const after = draft.decide(question);
    const actor = isSelf ? ctx.actor : await this.somebody(call.roles, agent, projectId);
    const foreseen = await this.gateway.foresee(
      { ...ctx, actor },
      { server, tool, args, projectId },
      after,
    );
    return { before: before.decide(question), after, ...foreseen };
  }

  /** By its name or its id; one that does not exist yet has no other name. */
  private async agent(of: string): Promise<{ id: string; name: string }> {
    const [row] = await this.database.query<{ id: string; name: string }>(
      'SELECT id::text AS id, name FROM agents WHERE name = $1 OR id::text = $1 LIMIT 1',
      [of],
    );
    return row ?? { id: of, name: of };
  }

  /** Nobody in particular: with what these roles may do, or what a run of the agent may. */
  private async somebody(
    roles: readonly string[],
    agent: { id: string; name: string } | undefined,
    projectId: string | null,
  ): Promise<Principal> {
    const rows = agent
      ? [{ permission: 'tool.call' as const }]
      : await this.database.query<{ permission: Permission }>(
          'SELECT DISTINCT unnest(permissions) AS permission FROM roles WHERE name = ANY($1)',
          [roles],
        );
    return {
      kind: agent ? 'agent' : 'user',
      id: agent ? `agent:${agent.id}` : `user:${randomUUID()}`,
      name: agent?.name ?? roles.join(', '),
      userId: null,
      grants: rows.map(({ permission }) => ({ permission, projectId })),
    };
  }

  private async recent(
    before: CompiledPolicy,
    after: CompiledPolicy,
  ): Promise<PoliciesPreview['recent']> {
    const rows = await this.database.query<RecentRow>(
      `SELECT c.id, c.server, c.tool, c.args, c.project_id, c.started_at, a.name AS agent, a.id::text AS agent_id,
              coalesce((SELECT array_agg(DISTINCT b.role) FROM role_bindings b
                         WHERE b.user_id = coalesce(j.created_by_user, t.user_id,
                                 CASE WHEN c.actor LIKE 'user:%' THEN substr(c.actor, 6)::uuid END)
                           AND (b.project_id IS NULL OR b.project_id = c.project_id)), '{}') AS roles
         FROM (SELECT * FROM tool_calls WHERE created_at > now() - interval '30 days'
                ORDER BY created_at DESC LIMIT $1) c
         LEFT JOIN jobs j ON j.id = c.job_id
         LEFT JOIN agents a ON a.id = j.agent_id
         LEFT JOIN api_tokens t ON c.actor = 'token:' || t.id`,
      [LOOKED_AT],
    );
    const changed = rows.flatMap((row) => {
      const question = questionOf(row);
      const [was, becomes] = [before.decide(question), after.decide(question)];
      if (was.effect === becomes.effect && isSameRequirement(was.approvers, becomes.approvers))
        return [];
      return [
        {
          callId: row.id,
          tool: `${row.server}.${row.tool}`,
          startedAt: row.started_at.toISOString(),
          before: was,
          after: becomes,
        },
      ];
    });
    return { looked: rows.length, changed: changed.slice(0, MOST_SHOWN) };
  }
}

interface RecentRow {
  id: string;
  server: string;
  tool: string;
  args: Record<string, unknown>;
  project_id: string | null;
  started_at: Date;
  agent: string | null;
  agent_id: string | null;
  roles: string[];
}

const questionOf = (row: RecentRow): Question => ({
  server: row.server,
  tool: row.tool,
  args: row.args,
  roles: row.roles,
  agent: row.agent === null ? [] : [row.agent, row.agent_id!],
  projectId: row.project_id,
});
