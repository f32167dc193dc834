import { Injectable } from '@nestjs/common';
import type { Page, SavedView, ViewsQuery } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';

export interface ViewRow {
  id: string;
  room: SavedView['room'];
  name: string;
  query: Record<string, string>;
  created_at: Date;
}

export const toView = ({ created_at, ...row }: ViewRow): SavedView => ({
  ...row,
  createdAt: created_at.toISOString(),
});

@Injectable()
export class ViewsQueries {
  constructor(private readonly database: Database) {}

  /** Those of the person who asks, by name. */
  async page(ctx: Ctx, { limit, cursor, room }: ViewsQuery): Promise<Page<SavedView>> {
    const [afterRoom = '', afterName = ''] = decodeCursor(cursor, 2) ?? [];
    const rows = await this.database.query<ViewRow>(
      `SELECT id, room, name, query, created_at FROM saved_views
        WHERE user_id = $1 AND ($2::text IS NULL OR room = $2) AND (room, name) > ($3, $4)
        ORDER BY room, name LIMIT $5`,
      [ctx.actor.userId, room ?? null, afterRoom, afterName, limit + 1],
    );
    return toPage(rows, limit, (row) => [row.room, row.name], toView);
  }
}
