import { Injectable } from '@nestjs/common';
import {
  type MemoryItem,
  type MemoryItemQuery,
  type MemorySearchAnswer,
  type MemorySearchQuery,
  type Page,
  Profile,
  type ProfileAnswer,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { NotFound } from '../../platform/http/problem.js';
import { type MemoryRow, memoryColumns, toMemoryItem } from './memory-item.js';

export interface ProfileRow {
  profile: unknown;
  version: number;
  updated_at: Date;
}

/** Before the first save there is an empty profile at version 0: what If-Match names then. */
export function toProfile(row: ProfileRow | undefined): ProfileAnswer {
  const parsed = Profile.safeParse(row?.profile ?? {});
  return {
    profile: parsed.success ? parsed.data : Profile.parse({}),
    version: row?.version ?? 0,
    updatedAt: row?.updated_at.toISOString() ?? null,
  };
}

const MOST_TERMS = 8;

@Injectable()
export class MemoryQueries {
  constructor(private readonly database: Database) {}

  async page(ctx: Ctx, { text, ...query }: MemoryItemQuery): Promise<Page<MemoryItem>> {
    return this.find(ctx, query, termsOf(text ?? ''));
  }

  async search(ctx: Ctx, { q, ...query }: MemorySearchQuery): Promise<MemorySearchAnswer> {
    const terms = termsOf(q);
    return { ...(await this.find(ctx, query, terms)), by: 'text', terms };
  }

  async item(ctx: Ctx, id: string): Promise<MemoryItem> {
    const [row] = await this.database.query<MemoryRow>(
      `SELECT ${memoryColumns} FROM mem_embeddings WHERE id = $1::bigint`,
      [id],
    );
    if (!row || !isAllowed(ctx.actor, 'memory.read', row.project_id))
      throw new NotFound('This item');
    return toMemoryItem(row);
  }

  async profile({ actor }: Ctx): Promise<ProfileAnswer> {
    if (actor.userId === null) throw new NotFound('A profile for this caller');
    const [row] = await this.database.query<ProfileRow>(
      'SELECT profile, version, updated_at FROM user_profiles WHERE user_id = $1',
      [actor.userId],
    );
    return toProfile(row);
  }

  /** Newest first. With terms, the index of character pairs narrows down and ILIKE decides: all must be there. */
  private async find(
    ctx: Ctx,
    query: Omit<MemoryItemQuery, 'text'>,
    terms: string[],
  ): Promise<Page<MemoryItem>> {
    const [before = null] = decodeCursor(query.cursor, 1) ?? [];
    const mine = allowedProjects(ctx.actor, 'memory.read');
    const rows = await this.database.query<MemoryRow>(
      `SELECT ${memoryColumns} FROM mem_embeddings
        WHERE ($1 OR project_id = ANY ($2))
          AND ($3::bigint IS NULL OR mem_embeddings.id < $3)
          AND ($4::text IS NULL OR kind = $4)
          AND ($5::text IS NULL OR lower(subject) = lower($5))
          AND ($6::text IS NULL OR project_id = $6)
          AND ($7::text IS NULL OR (project_id IS NULL) = ($7 = 'everywhere'))
          ${terms.length > 0 ? matching : 'AND cardinality($8::text[]) = 0 AND cardinality($9::text[]) = 0'}
        ORDER BY mem_embeddings.id DESC LIMIT $10`,
      [
        mine === 'all',
        mine === 'all' ? [] : mine,
        before,
        query.kind ?? null,
        query.subject ?? null,
        query.projectId ?? null,
        query.scope ?? null,
        terms,
        terms.map((term) => `%${term.replaceAll(/[\\%_]/g, '\\$&')}%`),
        query.limit + 1,
      ],
    );
    return toPage(rows, query.limit, (row) => [row.id], toMemoryItem);
  }
}

const matching = `
          AND memory_grams(coalesce(subject, '') || ' ' || text) @> ARRAY(
                SELECT gram FROM unnest($8::text[]) AS term, unnest(memory_grams(term)) AS gram)
          AND coalesce(subject, '') || ' ' || text ILIKE ALL ($9::text[])`;

const termsOf = (text: string) =>
  text.normalize('NFC').split(/\s+/).filter(Boolean).slice(0, MOST_TERMS);
