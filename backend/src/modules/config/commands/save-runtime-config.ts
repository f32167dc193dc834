import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type ConfigChange,
  type FieldFault,
  type Filling,
  type PutRuntimeConfig,
  say,
} from '@aos/contracts';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { type Ctx, allowedProjects, isAllowed } from '../../../platform/http/context.js';
import { AosError, Forbidden, NotFound, faultAt } from '../../../platform/http/problem.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { configChanges } from '../../proposals/index.js';
import { type SecretRow, namedSecrets, tagOf } from '../config.queries.js';
import { environmentVariables } from '../installation.js';
import { requireSecretName } from '../secret-rules.js';

/** Says which secrets there are and what for. No value is read, written or removed. */
export class SaveRuntimeConfig extends Command<void> {
  constructor(
    readonly ctx: Ctx,
    readonly input: PutRuntimeConfig,
    /** The ETag of what the writer read. */
    readonly tag: string,
  ) {
    super();
  }
}

interface Named {
  name: string;
  projectId: string | null;
  purpose: string;
  /** Of the value, where the server says it; 0 without one. */
  version?: number | undefined;
}

@CommandHandler(SaveRuntimeConfig)
export class SaveRuntimeConfigHandler implements ICommandHandler<SaveRuntimeConfig> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, input, tag }: SaveRuntimeConfig): Promise<void> {
    requireSound(input);
    await this.database.transaction(async (tx) => {
      await sql(tx, 'SELECT pg_advisory_xact_lock(726308)');
      const readable = await this.present(tx, allowedProjects(ctx.actor, 'secret.read'));
      if (tagOf(readable) !== tag) throw new AosError('precondition_failed', say('secrets-moved'));
      const mayWrite = (each: Named) => isAllowed(ctx.actor, 'secret.write', each.projectId);
      const present = readable.map(toNamed);
      requireUntouched(
        present,
        input.secrets.filter((each) => !mayWrite(each)),
      );
      const before = present.filter(mayWrite);
      const after = input.secrets.filter(mayWrite);
      requireAllSet(before, after);
      await this.requireProjects(tx, after);
      const changes = configChanges(purposes(before), purposes(after));
      if (changes.length === 0) return;
      await this.write(tx, ctx, before, after);
      await this.tell(tx, ctx, changes, [...before, ...after]);
    });
  }

  private async present(tx: Tx, projects: 'all' | string[]): Promise<SecretRow[]> {
    const { rows } = await sql<SecretRow>(tx, namedSecrets, [
      projects === 'all',
      projects === 'all' ? [] : projects,
    ]);
    return rows;
  }

  private async requireProjects(tx: Tx, secrets: readonly Named[]): Promise<void> {
    const wanted = [...new Set(secrets.flatMap(({ projectId }) => projectId ?? []))];
    const { rows } = await sql<{ id: string }>(tx, 'SELECT id FROM projects WHERE id = ANY ($1)', [
      wanted,
    ]);
    const known = new Set(rows.map(({ id }) => id));
    const missing = wanted.find((id) => !known.has(id));
    if (missing !== undefined) throw new NotFound(`The project ${missing}`);
  }

  private async write(
    tx: Tx,
    ctx: Ctx,
    before: readonly Named[],
    after: readonly Named[],
  ): Promise<void> {
    const kept = new Set(after.map(keyOf));
    const gone = before.filter((each) => !kept.has(keyOf(each)));
    await sql(
      tx,
      `DELETE FROM secret_names n USING jsonb_to_recordset($1) AS g (name text, "projectId" text)
        WHERE n.name = g.name AND n.project_id IS NOT DISTINCT FROM g."projectId"`,
      [JSON.stringify(gone)],
    );
    const list = JSON.stringify(after);
    await sql(
      tx,
      `UPDATE secrets s SET purpose = g.purpose
         FROM jsonb_to_recordset($1) AS g (name text, "projectId" text, purpose text)
        WHERE s.name = g.name AND s.project_id IS NOT DISTINCT FROM g."projectId" AND s.purpose <> g.purpose`,
      [list],
    );
    await sql(
      tx,
      `INSERT INTO secret_names (name, project_id, purpose, created_by)
       SELECT g.name, g."projectId", g.purpose, $2
         FROM jsonb_to_recordset($1) AS g (name text, "projectId" text, purpose text)
        WHERE NOT EXISTS (SELECT FROM secrets s
                           WHERE s.name = g.name AND s.project_id IS NOT DISTINCT FROM g."projectId")
       ON CONFLICT (project_id, name) DO UPDATE SET purpose = excluded.purpose`,
      [list, ctx.actor.id],
    );
  }

  private async tell(
    tx: Tx,
    ctx: Ctx,
    changes: readonly ConfigChange[],
    all: readonly Named[],
  ): Promise<void> {
    const paths = changes.map(({ path }) => path);
    const changed = new Set(paths);
    const places = new Set(
      all.filter((each) => changed.has(keyOf(each))).map(({ projectId }) => projectId),
    );
    const projectId = places.size === 1 ? [...places][0]! : null;
    await this.audit.record(tx, ctx, {
      action: 'config.save',
      resource: 'config:runtime',
      diff: { changes },
      projectId,
    });
    await this.outbox.append(tx, [
      {
        traceId: ctx.traceId,
        projectId,
        topic: 'config',
        type: 'config.changed',
        summary: say('secrets-listed', { who: ctx.actor.name, names: shortened(paths) }),
        payload: { scope: 'runtime', paths },
        actor: ctx.actor.id,
      },
    ]);
  }
}

function requireSound({ secrets, env }: PutRuntimeConfig): void {
  const seen = new Map<string, number>();
  const faults: FieldFault[] = [];
  for (const [index, secret] of secrets.entries()) {
    requireSecretName(secret.name);
    const first = seen.get(keyOf(secret));
    if (first !== undefined)
      faults.push(faultAt(`secrets.${index}.name`, say('same-as', { other: `secrets.${first}` })));
    seen.set(keyOf(secret), index);
  }
  if (env !== undefined && configChanges(environmentVariables(), env).length > 0)
    faults.push(faultAt('env', say('env-decided-elsewhere')));
  if (faults.length > 0)
    throw new AosError('validation_failed', say('nothing-changed'), { errors: faults });
}

/** What one may read and not write may stand in the list as it is. */
function requireUntouched(present: readonly Named[], others: readonly Named[]): void {
  const known = purposes(present);
  if (others.some((each) => known[keyOf(each)] !== each.purpose))
    throw new Forbidden(say('secrets-not-yours'));
}

/** A value is deleted by name, never by being forgotten in a list. */
function requireAllSet(before: readonly Named[], after: readonly Named[]): void {
  const kept = new Set(after.map(keyOf));
  const missing = before
    .filter((each) => each.version)
    .map(keyOf)
    .filter((key) => !kept.has(key));
  if (missing.length === 0) return;
  throw new AosError('conflict', say('secrets-left-out', { names: shortened(missing) }));
}

const toNamed = ({ name, project_id, purpose, version }: SecretRow): Named => ({
  name,
  projectId: project_id,
  purpose,
  version,
});

/** As the audit trail names it: `NAME`, or `NAME@project`. Neither part can hold an @. */
const keyOf = ({ name, projectId }: Named) => (projectId === null ? name : `${name}@${projectId}`);

const purposes = (list: readonly Named[]): Record<string, string> =>
  Object.fromEntries(list.map((each) => [keyOf(each), each.purpose]));

const MOST_NAMED = 10;
const shortened = (names: readonly string[]): Filling[] =>
  names.length > MOST_NAMED
    ? [...names.slice(0, MOST_NAMED), say('more', { count: names.length - MOST_NAMED })]
    : [...names];
