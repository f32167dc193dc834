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
import { type Point, Points } from './points.js';

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
  constructor(
    private readonly database: Database,
    private readonly points: Points,
  ) {}

  async page(ctx: Ctx, { text, ...query }: MemoryItemQuery): Promise<Page<MemoryItem>> {
    return this.find(ctx, query, termsOf(text ?? ''));
  }

  async search(ctx: Ctx, { q, by, ...query }: MemorySearchQuery): Promise<MemorySearchAnswer> {
    const terms = termsOf(q);
    const asked = by === 'meaning' && query.cursor === undefined;
    const near = asked ? await this.points.of(ctx, q) : 'asked';
    if (typeof near === 'string')
      return { ...(await this.find(ctx, query, terms)), by: 'text', terms, whyText: near };
    const items = await this.nearest(ctx, query, terms, near);
    return { items, nextCursor: null, by: 'meaning', terms, whyText: null };
  }

  /**
   * What a run may know of: what holds everywhere or in its project, and its actor may read. The nearest to the goal first,
   * or without a model for that the newest; as many as fit into so many characters.
   */
  async recall(ctx: Ctx, goal: string, projectId: string | null): Promise<MemoryItem[]> {
    const places = [
      ...(isAllowed(ctx.actor, 'memory.read') ? [null] : []),
      ...(projectId !== null && isAllowed(ctx.actor, 'memory.read', projectId) ? [projectId] : []),
    ];
    if (places.length === 0) return [];
    const near = await this.points.of(ctx, goal.slice(0, LONGEST_GOAL));
    const isNear = typeof near !== 'string';
    const rows = await this.database.query<MemoryRow>(
      `SELECT ${memoryColumns} FROM mem_embeddings
        WHERE (project_id = $1 OR ($2 AND project_id IS NULL))
        ORDER BY ${isNear ? `${distance('$3', '$4')} NULLS LAST, ` : ''}mem_embeddings.id DESC LIMIT ${MOST_RECALLED}`,
      [projectId, places.includes(null), ...(isNear ? [near.model.name, near.vector] : [])],
    );
    let left = RECALLED_CHARS;
    return rows.map(toMemoryItem).filter(({ subject, text }) => {
      const length = subject.length + text.length;
      if (length > left) return false;
      left -= length;
      return true;
    });
  }

  /** What the person behind a run wants to be known about them; undefined when that is nothing. */
  async personOf({ actor: { userId } }: Ctx): Promise<Record<string, string> | undefined> {
    const [row] = await this.database.query<ProfileRow>(
      'SELECT profile, version, updated_at FROM user_profiles WHERE user_id = $1',
      [userId],
    );
    if (!row) return undefined;
    const { profile } = toProfile(row);
    const said = Object.entries(profile).filter(
      (entry): entry is [string, string] => Boolean(entry[1]) && entry[1] !== 'balanced',
    );
    return said.length > 0 ? Object.fromEntries(said) : undefined;
  }

  /** What holds all the words stands first: who searches for a name means that name. Then what is nearest. */
  private async nearest(
    ctx: Ctx,
    query: Omit<MemoryItemQuery, 'text'>,
    terms: string[],
    { model, vector }: Point,
  ): Promise<MemoryItem[]> {
    const { text, values } = filtersOf(ctx, query);
    const [words, name, point, limit] = [1, 2, 3, 4].map((n) => `$${values.length + n}`);
    const isHit = `coalesce(subject, '') || ' ' || text ILIKE ALL (${words}::text[])`;
    const rows = await this.database.query<MemoryRow>(
      `SELECT ${memoryColumns} FROM mem_embeddings
        WHERE ${text} AND (${isHit} OR ${isEmbedded(name!)})
        ORDER BY NOT (${isHit}), ${distance(name!, point!)} NULLS LAST, mem_embeddings.id DESC LIMIT ${limit}`,
      [...values, terms.map(like), model.name, vector, query.limit],
    );
    return rows.map(toMemoryItem);
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
    const { text, values } = filtersOf(ctx, query);
    const [from, grams, words, limit] = [1, 2, 3, 4].map((n) => `$${values.length + n}`);
    const matching =
      terms.length > 0
        ? `memory_grams(coalesce(subject, '') || ' ' || text) @> ARRAY(
             SELECT gram FROM unnest(${grams}::text[]) AS term, unnest(memory_grams(term)) AS gram)
           AND coalesce(subject, '') || ' ' || text ILIKE ALL (${words}::text[])`
        : `cardinality(${grams}::text[]) = 0 AND cardinality(${words}::text[]) = 0`;
    const rows = await this.database.query<MemoryRow>(
      `SELECT ${memoryColumns} FROM mem_embeddings
        WHERE ${text} AND (${from}::bigint IS NULL OR mem_embeddings.id < ${from}) AND ${matching}
        ORDER BY mem_embeddings.id DESC LIMIT ${limit}`,
      [...values, before, terms, terms.map(like), query.limit + 1],
    );
    return toPage(rows, query.limit, (row) => [row.id], toMemoryItem);
  }
}

const LONGEST_GOAL = 4000;
const MOST_RECALLED = 12;
const RECALLED_CHARS = 8000;

function filtersOf(ctx: Ctx, query: Omit<MemoryItemQuery, 'text'>) {
  const mine = allowedProjects(ctx.actor, 'memory.read');
  return {
    text: `($1 OR project_id = ANY ($2))
          AND ($3::text IS NULL OR kind = $3)
          AND ($4::text IS NULL OR lower(subject) = lower($4))
          AND ($5::text IS NULL OR project_id = $5)
          AND ($6::text IS NULL OR (project_id IS NULL) = ($6 = 'everywhere'))`,
    values: [
      mine === 'all',
      mine === 'all' ? [] : mine,
      query.kind ?? null,
      query.subject ?? null,
      query.projectId ?? null,
      query.scope ?? null,
    ],
  };
}

/** The vector is one of this model, and of the text as it stands. */
const isEmbedded = (name: string) =>
  `(embedded_by = ${name} AND embedded_version = version AND embedding IS NOT NULL)`;
/** 0 in the same direction, 2 in the opposite one; null where there is nothing to compare. */
const distance = (name: string, point: string) =>
  `CASE WHEN ${isEmbedded(name)} THEN embedding <=> ${point}::vector END`;
const like = (term: string) => `%${term.replaceAll(/[\\%_]/g, '\\$&')}%`;

const termsOf = (text: string) =>
  text.normalize('NFC').split(/\s+/).filter(Boolean).slice(0, MOST_TERMS);
