import { Injectable } from '@nestjs/common';
import { type Page, PageQuery, PinState, type ToolPin } from '@aos/contracts';
import { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { type HiddenText, escaped } from './chain/hidden-text.js';
import { definitionHash, differencesOf, shown } from './chain/pins.js';
import type { ToolDefinition } from './upstreams/upstream.js';

export const PinsQuery = PageQuery.extend({
  state: PinState.optional(),
  server: z.string().max(64).optional(),
});
export type PinsQuery = z.infer<typeof PinsQuery>;

@Injectable()
export class PinsQueries {
  constructor(private readonly database: Database) {}

  async list(query: PinsQuery): Promise<Page<ToolPin>> {
    const after = decodeCursor(query.cursor, 2);
    const rows = await this.database.query<PinRow>(
      `${selectPins} WHERE NOT t.is_gone AND ($1::text IS NULL OR t.pin_state = $1) AND ($2::text IS NULL OR t.server = $2)
          AND ($3::text IS NULL OR (t.server, t.name) > ($3, $4)) ORDER BY t.server, t.name LIMIT $5`,
      [
        query.state ?? null,
        query.server ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.server, row.name], toPin);
  }
}

export const selectPins = `SELECT t.server, t.name, t.definition, t.pin_state, t.seen_definition, t.hidden_text, t.pin_changed_at,
    t.pinned_by FROM mcp_tools t`;

export interface PinRow {
  server: string;
  name: string;
  definition: ToolDefinition;
  pin_state: ToolPin['state'];
  seen_definition: ToolDefinition | null;
  hidden_text: HiddenText[];
  pin_changed_at: Date | null;
  pinned_by: string | null;
}

/** The definition that waits for somebody, if one does. */
export const waitingIn = (row: PinRow): ToolDefinition | null =>
  row.pin_state === 'quarantined' ? row.definition : row.seen_definition;

export function toPin(row: PinRow): ToolPin {
  const waiting = waitingIn(row);
  return {
    server: row.server,
    tool: escaped(row.name),
    state: row.pin_state,
    hash: definitionHash(row.definition),
    waitingHash: waiting && definitionHash(waiting),
    approvedBy: row.pinned_by,
    changedAt: row.pin_changed_at?.toISOString() ?? null,
    definition: shown(row.definition),
    waiting: waiting && shown(waiting),
    differences: row.seen_definition ? differencesOf(row.definition, row.seen_definition) : [],
    hiddenText: row.hidden_text,
  };
}
