import { Injectable } from '@nestjs/common';
import {
  type Page,
  type Proposal,
  type ProposalsQuery,
  SecondPersonRule,
  proposalKinds,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, NotFound } from '../../platform/http/problem.js';
import { configChanges } from './config-diff.js';
import { couldSql, hasRoleSql, permissionOf, permissionSql, readingOf } from './standing.js';

export type Document = Record<string, unknown>;

@Injectable()
export class ProposalsQueries {
  constructor(private readonly database: Database) {}

  async rule(): Promise<SecondPersonRule> {
    const [row] = await this.database.query<{ rule: unknown }>(
      'SELECT second_person_rule() AS rule',
    );
    return SecondPersonRule.safeParse(row?.rule ?? {}).data ?? SecondPersonRule.parse({});
  }

  /** Of what the reader may see, the latest first; their ids are ordered by time. */
  async list(ctx: Ctx, query: ProposalsQuery): Promise<Page<Proposal>> {
    const before = decodeCursor(query.cursor, 1)?.[0];
    if (before !== undefined && !isUuid(String(before)))
      throw new AosError('invalid_cursor', say('cursor-as-given'));
    const places = proposalKinds.map((kind) => allowedProjects(ctx.actor, readingOf[kind]));
    const rows = await this.database.query<ProposalRow>(
      `SELECT * FROM (${selectList}) p
        WHERE ($2::uuid IS NULL OR p.id < $2) AND ($3::text IS NULL OR p.kind = $3) AND ($4::text IS NULL OR p.state = $4)
          AND (p.kind = ANY($5) OR p.kind || '/' || p.project_id = ANY($6)) ORDER BY p.id DESC LIMIT $7`,
      [
        ctx.actor.userId,
        before ?? null,
        query.kind ?? null,
        query.state ?? null,
        proposalKinds.filter((_, index) => places[index] === 'all'),
        proposalKinds.flatMap((kind, index) => {
          const projects = places[index]!;
          return projects === 'all' ? [] : projects.map((project) => `${kind}/${project}`);
        }),
        query.limit + 1,
      ],
    );
    return toPage(
      rows,
      query.limit,
      (row) => [row.id],
      (row) => toProposal(ctx, row),
    );
  }

  async get(ctx: Ctx, id: string): Promise<Proposal> {
    const rows = await this.database.query<ProposalRow>(`${select} WHERE p.id = $2`, [
      ctx.actor.userId,
      id,
    ]);
    return toProposal(ctx, seen(ctx, rows[0]));
  }
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

export async function rowIn(tx: Tx, ctx: Ctx, id: string): Promise<ProposalRow> {
  const { rows } = await sql<ProposalRow>(tx, `${select} WHERE p.id = $2`, [ctx.actor.userId, id]);
  return seen(ctx, rows[0]);
}

export const proposalIn = async (tx: Tx, ctx: Ctx, id: string): Promise<Proposal> =>
  toProposal(ctx, await rowIn(tx, ctx, id));

/** @throws NotFound, also for one that the actor may not see; whoever proposed it may. */
function seen(ctx: Ctx, row: ProposalRow | undefined): ProposalRow {
  if (!row || !(isOwn(ctx, row) || isAllowed(ctx.actor, readingOf[row.kind], row.project_id)))
    throw new NotFound('This proposal');
  return row;
}

/** There is none, as there was none; or it is the same one, with the same value and for the same use. */
const secretFits = `(SELECT jsonb_build_object('id', s.id, 'version', s.version, 'purpose', s.purpose) FROM secrets s
   WHERE 'secret:' || s.name = p.target AND s.project_id IS NOT DISTINCT FROM p.project_id)
  IS NOT DISTINCT FROM (p.before - 'value')`;

/** One that was taken away and registered anew has its name, and maybe its version. */
const serverFits = `EXISTS (SELECT 1 FROM mcp_registry r WHERE 'mcp-server:' || r.name = p.target AND r.version = p.base
  AND date_trunc('milliseconds', r.created_at) = (p.before->>'registeredAt')::timestamptz)`;

/** Whether the document is still the one that the change was made on. */
const fits = `CASE p.action
  WHEN 'config.save' THEN p.base = (SELECT max(version) FROM config_versions WHERE scope = 'system')
  WHEN 'policies.save' THEN p.base = coalesce((SELECT max(version) FROM config_versions WHERE scope = 'policies'), 0)
  WHEN 'role.create' THEN NOT EXISTS (SELECT 1 FROM roles r WHERE 'role:' || r.name = p.target)
  WHEN 'role.grant' THEN
    EXISTS (SELECT 1 FROM roles r WHERE r.name = p.after->>'role' AND r.version = p.base)
    AND NOT EXISTS (SELECT 1 FROM role_bindings b WHERE 'user:' || b.user_id = p.target AND b.role = p.after->>'role'
                       AND b.project_id IS NOT DISTINCT FROM p.project_id)
  WHEN 'role.revoke' THEN EXISTS (SELECT 1 FROM role_bindings b WHERE 'binding:' || b.id = p.target)
  WHEN 'secret.put' THEN EXISTS (SELECT 1 FROM proposed_secrets v WHERE v.proposal_id = p.id) AND ${secretFits}
  WHEN 'secret.delete' THEN ${secretFits}
  WHEN 'server.register' THEN NOT EXISTS (SELECT 1 FROM mcp_registry r WHERE 'mcp-server:' || r.name = p.target)
  WHEN 'servers.import' THEN NOT EXISTS (SELECT 1 FROM mcp_registry r
                                           JOIN jsonb_array_elements(p.after->'servers') s ON s->>'name' = r.name)
  WHEN 'server.change' THEN ${serverFits}
  WHEN 'server.remove' THEN ${serverFits}
  WHEN 'tool.accept' THEN EXISTS (
    SELECT 1 FROM mcp_tools t WHERE t.server = p.after->>'server' AND NOT t.is_gone
       AND CASE t.pin_state WHEN 'quarantined' THEN t.definition_hash WHEN 'changed' THEN t.seen_hash END = p.after->>'hash'
       AND CASE t.pin_state WHEN 'changed' THEN t.definition_hash END IS NOT DISTINCT FROM p.before->>'hash')
  WHEN 'agent.register' THEN
    EXISTS (SELECT 1 FROM agents a WHERE a.id::text = p.after->>'agentId')
    AND NOT EXISTS (SELECT 1 FROM mcp_registry r WHERE 'mcp-server:' || r.name = p.target)
  WHEN 'agent.unregister' THEN ${serverFits} AND EXISTS (SELECT 1 FROM mcp_registry r
                                                            WHERE r.agent_id::text = p.before->>'agentId')
  ELSE EXISTS (SELECT 1 FROM roles r WHERE 'role:' || r.name = p.target AND r.version = p.base
                  AND to_jsonb(r.permissions) = p.before->'permissions') END`;

/** Definitions of tools may be long, and a list is of many. */
const LONGEST_LISTED = 64 * 1024;
const isLong = `p.kind = 'servers' AND octet_length(coalesce(p.after, p.before)::text) > ${LONGEST_LISTED}`;
const listed = (of: string) =>
  `CASE WHEN p.is_partial THEN ${of} - '{tools,servers,definition}'::text[] ELSE ${of} END AS ${of}`;

/** Of `$1`, who reads it: whether they have one of the roles that the rule names is told with it. */
const selectWith = (documents: string) => `
  SELECT p.id, p.kind, p.action, p.target, p.project_id, p.base, p.comment, p.proposed_by, p.proposed_by_user, p.proposed_by_name,
         p.created_at, p.expires_at, p.decided_by, p.decided_by_name, p.decided_at, p.decision_comment, p.is_break_glass,
         p.fits, p.subject, p.has_role, ${documents},
         CASE WHEN p.status <> 'pending' THEN p.status WHEN p.expires_at <= clock_timestamp() THEN 'expired'
              WHEN p.fits AND p.proposer_could THEN 'pending' ELSE 'void' END AS state
    FROM (SELECT p.*, (${fits}) AS fits, ${isLong} AS is_partial,
                 ${couldSql({
                   user: 'p.proposed_by_user',
                   permission: permissionSql,
                   project: 'p.project_id',
                   roles: 'NULL::text[]',
                 })} AS proposer_could,
                 (SELECT u.name || ' (' || u.email || ')' FROM users u
                   WHERE u.id = (coalesce(p.after, p.before)->>'userId')::uuid) AS subject,
                 ${hasRoleSql({ user: '$1::uuid', project: 'p.project_id', roles: 'w.roles' })} AS has_role
            FROM proposals p,
                 (SELECT ARRAY(SELECT jsonb_array_elements_text(second_person_rule()->'confirmers')) AS roles) w) p`;
const select = selectWith('p.before, p.after, false AS is_partial');
const selectList = selectWith(`${listed('before')}, ${listed('after')}, p.is_partial`);

export interface ProposalRow {
  id: string;
  kind: Proposal['kind'];
  action: Proposal['action'];
  target: string;
  project_id: string | null;
  subject: string | null;
  base: number | null;
  before: Document | null;
  after: Document | null;
  is_partial: boolean;
  comment: string;
  proposed_by: string;
  proposed_by_user: string | null;
  proposed_by_name: string;
  created_at: Date;
  expires_at: Date;
  decided_by: string | null;
  decided_by_name: string | null;
  decided_at: Date | null;
  decision_comment: string | null;
  is_break_glass: boolean;
  state: Proposal['state'];
  fits: boolean;
  /** Of whoever reads it. */
  has_role: boolean;
}

/** By session, by token, by an agent of theirs: it is theirs all the same. */
export const isOwn = ({ actor }: Ctx, row: ProposalRow): boolean =>
  row.proposed_by === actor.id ||
  (row.proposed_by_user !== null && row.proposed_by_user === actor.userId);

export function obstacleOf(ctx: Ctx, row: ProposalRow): Proposal['you']['obstacle'] {
  if (isOwn(ctx, row)) return 'own';
  if (ctx.actor.userId === null || !isAllowed(ctx.actor, permissionOf[row.kind], row.project_id))
    return 'permission';
  return row.has_role ? null : 'role';
}

export const mayBreakGlass = ({ actor }: Ctx, row: ProposalRow): boolean =>
  actor.kind === 'user' &&
  isAllowed(actor, 'approval.override', row.project_id) &&
  isAllowed(actor, permissionOf[row.kind], row.project_id);

const toProposal = (ctx: Ctx, row: ProposalRow): Proposal => {
  const isOpen = row.state === 'pending';
  const obstacle = isOpen ? obstacleOf(ctx, row) : null;
  return {
    id: row.id,
    kind: row.kind,
    action: row.action,
    target: row.target,
    projectId: row.project_id,
    subject: row.subject,
    baseVersion: row.base,
    before: row.before,
    after: row.after,
    changes: configChanges(row.before, row.after),
    isPartial: row.is_partial,
    comment: row.comment,
    state: row.state,
    voidBecause: row.state === 'void' ? (row.fits ? 'proposer' : 'base') : null,
    proposedBy: row.proposed_by,
    proposedByName: row.proposed_by_name,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    decidedBy: row.decided_by,
    decidedByName: row.decided_by_name,
    decidedAt: row.decided_at?.toISOString() ?? null,
    decisionComment: row.decision_comment,
    breakGlass: row.is_break_glass,
    you: {
      obstacle,
      mayWithdraw: isOpen && isOwn(ctx, row),
      mayBreakGlass: isOpen && obstacle !== null && mayBreakGlass(ctx, row),
    },
  };
};
