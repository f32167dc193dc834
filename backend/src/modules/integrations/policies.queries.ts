import { Injectable } from '@nestjs/common';
import {
  type Page,
  type PageQuery,
  type Policies as PoliciesAnswer,
  type PoliciesPreview,
  PolicyDocument,
  type PreviewPolicies,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { configChanges } from '../config/index.js';
import { Policies, type PoliciesRow, toPolicies } from './chain/policies.js';
import { type CompiledPolicy, type Question, compile } from './chain/policy-rules.js';
import { requireSound } from './commands/save-policies.js';

/** So many calls on record are judged by a draft. */
const LOOKED_AT = 500;
const MOST_SHOWN = 50;

@Injectable()
export class PoliciesQueries {
  constructor(
    private readonly database: Database,
    private readonly policies: Policies,
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
  async preview({ document, call }: PreviewPolicies): Promise<PoliciesPreview> {
    requireSound(document);
    const present = await this.policies.stored();
    const draft = compile(document);
    return {
      baseVersion: present.version,
      changes: configChanges(present.document, document),
      decision: call ? draft.decide({ ...call, agent: call.agent ? [call.agent] : [] }) : null,
      recent: await this.recent(present.compiled ?? compile(present.document), draft),
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
      if (was.effect === becomes.effect) return [];
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
