import { Injectable } from '@nestjs/common';
import {
  type AccessAnswer,
  type AccessQuery,
  type Binding,
  type Filling,
  type Page,
  type PageQuery,
  type Role,
  type Said,
  builtinRoles,
  inEnglish,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { Forbidden, NotFound } from '../../platform/http/problem.js';
import { type BindingRow, toBinding } from './grants.js';
import { type RoleRow, toRole } from './own-role.js';

@Injectable()
export class RbacQueries {
  constructor(private readonly database: Database) {}

  async roles({ limit, cursor }: PageQuery): Promise<Page<Role>> {
    const [after = ''] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<RoleRow>(
      'SELECT name, description, permissions, is_builtin, version FROM roles WHERE name > $1 ORDER BY name LIMIT $2',
      [after, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.name], toRole);
  }

  async bindings({ limit, cursor }: PageQuery): Promise<Page<Binding>> {
    const [after = null] = decodeCursor(cursor, 1) ?? [];
    const rows = await this.database.query<BindingRow>(
      'SELECT * FROM role_bindings WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2',
      [after, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.id], toBinding);
  }

  /**
   * A project that does not exist is said to be missing to those who may see every project. To others it is one like
   * those that they hold nothing in: the answer must not tell which there are.
   */
  private async requireProject(ctx: Ctx, projectId: string | null): Promise<void> {
    if (projectId === null || !isAllowed(ctx.actor, 'project.read')) return;
    const rows = await this.database.query('SELECT 1 FROM projects WHERE id = $1', [projectId]);
    if (rows.length === 0) throw new NotFound(`The project ${projectId}`);
  }

  /** Why a call is allowed or not: what would be decided now, and the roles that decide it. */
  async check(
    ctx: Ctx,
    { permission, projectId: askedProject, userId }: AccessQuery,
  ): Promise<AccessAnswer> {
    const projectId: string | null = askedProject ?? null;
    const isSelf = userId === undefined || userId === ctx.actor.userId;
    if (!isSelf && !isAllowed(ctx.actor, 'role.read'))
      throw new Forbidden('To ask about others takes the permission role.read.');
    await this.requireProject(ctx, projectId);
    const of = userId ?? ctx.actor.userId;
    const [person] = await this.database.query<{ email: string; is_disabled: boolean }>(
      'SELECT email, is_disabled FROM users WHERE id = $1',
      [of],
    );
    if (!person) throw new NotFound('This person');
    const rows = await this.database.query<{ role: string; project_id: string | null }>(
      `SELECT b.role, b.project_id FROM role_bindings b JOIN roles r ON r.name = b.role
        WHERE b.user_id = $1 AND $2 = ANY (r.permissions) AND (b.project_id IS NULL OR b.project_id = $3)
        ORDER BY b.project_id NULLS FIRST, b.role`,
      [of, permission, projectId],
    );
    const via = rows.map((row) =>
      say('role-where', { role: nameOf(row.role), where: placeOf(row.project_id) }),
    );
    const about = { who: person.email, permission, where: placeOf(projectId) };
    const answer = (allowed: boolean, said: Said): AccessAnswer => ({
      allowed,
      reason: inEnglish(said),
      said,
      via: allowed ? via.map((each) => inEnglish(each)) : [],
    });
    if (person.is_disabled) return answer(false, say('access-disabled', { who: person.email }));
    if (via.length === 0) return answer(false, say('access-no-role', about));
    if (isSelf && !isAllowed(ctx.actor, permission, projectId))
      return answer(false, say('access-no-scope', { permission }));
    return answer(true, say('access-held', { ...about, via }));
  }
}

const nameOf = (role: string): Filling => {
  const known = builtinRoles.find((name) => name === role);
  return known ? say(`role-${known}`) : role;
};
const placeOf = (projectId: string | null): Said =>
  projectId === null ? say('everywhere') : say('in-project', { project: projectId });
