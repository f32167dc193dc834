import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type SaveView as SaveViewInput, type SavedView, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, Forbidden } from '../../../platform/http/problem.js';
import { type ViewRow, toView } from '../views.queries.js';

const MOST_VIEWS = 100;

export class SaveView extends Command<SavedView> {
  constructor(
    readonly ctx: Ctx,
    readonly input: SaveViewInput,
  ) {
    super();
  }
}

@CommandHandler(SaveView)
export class SaveViewHandler implements ICommandHandler<SaveView> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
  ) {}

  execute({ ctx, input }: SaveView): Promise<SavedView> {
    const { userId } = ctx.actor;
    if (userId === null) throw new Forbidden('Views belong to people.');
    return this.database.transaction(async (tx) => {
      const { rows: all } = await sql<ViewRow>(
        tx,
        'SELECT id, room, name, query, created_at FROM saved_views WHERE user_id = $1 FOR UPDATE',
        [userId],
      );
      const before = all.find(({ room, name }) => room === input.room && name === input.name);
      if (!before && all.length >= MOST_VIEWS)
        throw new AosError('too_many_views', say('views-many', { most: MOST_VIEWS }));
      const { rows } = await sql<ViewRow>(
        tx,
        `INSERT INTO saved_views (id, user_id, room, name, query) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (user_id, room, name) DO UPDATE SET query = excluded.query
         RETURNING id, room, name, query, created_at`,
        [randomUUID(), userId, input.room, input.name, JSON.stringify(input.query)],
      );
      const view = toView(rows[0]!);
      await this.audit.record(tx, ctx, {
        action: 'view.save',
        resource: `view:${view.id}`,
        diff: { before: before ? toView(before) : null, after: view },
      });
      return view;
    });
  }
}
