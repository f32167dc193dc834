import { Injectable } from '@nestjs/common';
import {
  type Conversation,
  type ConversationDetail,
  type ConversationsQuery,
  type Message,
  type Page,
  type Said,
  say,
} from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { type Ctx, allowedProjects, isAllowed } from '../../platform/http/context.js';
import { decodeCursor, encodeCursor, toPage } from '../../platform/http/cursor.js';
import { AosError, Forbidden, NotFound } from '../../platform/http/problem.js';

/** The newest messages of a conversation that one answer holds. */
const MAX_MESSAGES = 1_000;
/** One request looks for words in so many conversations, and in so many of the newest messages of each. */
const LOOKED_THROUGH = 500;
const LOOKED_THROUGH_MESSAGES = 200;

@Injectable()
export class ChatQueries {
  constructor(private readonly database: Database) {}

  /**
   * Those last written to first; with words, those whose title or messages hold them. No index helps to find two Chinese
   * characters in the middle of a text: so one request reads no more than a part of them, and the page, which may then be
   * empty, says where the next one goes on. The time goes out as text: a JavaScript date would lose its microseconds.
   */
  async list(ctx: Ctx, query: ConversationsQuery): Promise<Page<Conversation>> {
    const [at, id] = decodeCursor(query.cursor, 2)?.map(String) ?? [];
    if (at !== undefined && !(/^\d{4}-\d\d-\d\d [\d:.]+\+00$/.test(at) && isUuid(id!)))
      throw new AosError('invalid_cursor', say('cursor-as-given'));
    const projects = allowedProjects(ctx.actor, 'task.read');
    const words = query.q === undefined ? null : `%${query.q.replace(/[\\%_]/g, '\\$&')}%`;
    const looked = words === null ? query.limit + 1 : LOOKED_THROUGH;
    const rows = await this.database.query<ConversationRow & { key: string; is_found: boolean }>(
      `SELECT *, $4::text IS NULL OR title ILIKE $4 OR EXISTS (
           SELECT 1 FROM (SELECT m.text FROM messages m WHERE m.conversation_id = c.id
                           ORDER BY m.created_at DESC, m.id DESC LIMIT ${LOOKED_THROUGH_MESSAGES}) AS newest
            WHERE newest.text ILIKE $4) AS is_found
         FROM (SELECT ${columns}, (updated_at AT TIME ZONE 'UTC')::text || '+00' AS key FROM conversations
                WHERE ($1::timestamptz IS NULL OR (updated_at, id) < ($1, $2::uuid))
                  AND ($3::text[] IS NULL OR project_id = ANY($3))
                ORDER BY updated_at DESC, id DESC LIMIT $5) AS c
        ORDER BY updated_at DESC, id DESC`,
      [at ?? null, id ?? null, projects === 'all' ? null : projects, words, looked],
    );
    const keyOf = (row: { key: string; id: string }) => [row.key, row.id];
    const found = rows.filter((row) => row.is_found);
    const page = toPage(found, query.limit, keyOf, toConversation);
    const last = rows.at(-1);
    return page.nextCursor === null && words !== null && rows.length === looked && last
      ? { ...page, nextCursor: encodeCursor(keyOf(last)) }
      : page;
  }

  /** @throws NotFound, also for a conversation that the actor may not see. */
  async conversation(ctx: Ctx, id: string): Promise<Conversation> {
    const rows = isUuid(id)
      ? await this.database.query<ConversationRow>(
          `SELECT ${columns} FROM conversations WHERE id = $1`,
          [id],
        )
      : [];
    const row = rows[0];
    if (!row || !isAllowed(ctx.actor, 'task.read', row.project_id))
      throw new NotFound(`The conversation ${id}`);
    return toConversation(row);
  }

  /** A conversation that the actor may write in, and so may name or take away. */
  async changeable(ctx: Ctx, id: string): Promise<Conversation> {
    const conversation = await this.conversation(ctx, id);
    if (!isAllowed(ctx.actor, 'task.create', conversation.projectId))
      throw new Forbidden('You may read this conversation, but not change it.');
    return conversation;
  }

  async detail(ctx: Ctx, id: string): Promise<ConversationDetail> {
    const conversation = await this.conversation(ctx, id);
    const rows = await this.database.query<MessageRow>(
      `SELECT * FROM (
         SELECT id, role, author, text, said, job_id, trace_id, created_at FROM messages WHERE conversation_id = $1
          ORDER BY created_at DESC, id DESC LIMIT ${MAX_MESSAGES}) AS newest
        ORDER BY created_at, id`,
      [id],
    );
    return { ...conversation, messages: rows.map(toMessage) };
  }
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
const columns = 'id, title, project_id, created_by, created_at, updated_at, version';

interface ConversationRow {
  id: string;
  title: string;
  project_id: string | null;
  created_by: string;
  created_at: Date;
  updated_at: Date;
  version: number;
}

interface MessageRow {
  id: string;
  role: 'user' | 'assistant';
  author: string;
  text: string;
  said: Said[] | null;
  job_id: string | null;
  trace_id: string | null;
  created_at: Date;
}

const toConversation = (row: ConversationRow): Conversation => ({
  id: row.id,
  title: row.title,
  projectId: row.project_id,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  version: row.version,
});

const toMessage = (row: MessageRow): Message => ({
  id: row.id,
  role: row.role,
  author: row.author,
  text: row.text,
  ...(row.said ? { said: row.said } : {}),
  jobId: row.job_id === null ? null : String(row.job_id),
  traceId: row.trace_id,
  createdAt: row.created_at.toISOString(),
});
