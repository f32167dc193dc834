import { randomUUID } from 'node:crypto';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { EmbeddingFault, type EmbeddingModel, Embeddings } from './embeddings.js';
import { Points } from './points.js';

const BATCH = 64;
const PAUSE_MS = { server: 2_000, embedded: 4_000 };
/** Longer than any answer of a model may take. */
const CLAIM = `interval '15 minutes'`;

/**
 * Vectors for what is remembered, behind the change.
 *
 *     item new or changed ──> version is not embedded_version ──claim──> model ──write──> embedding, embedded_version, embedded_by
 *     another model in the settings ──> embedded_by is another ────┘
 *
 * An item is written without its vector: no change waits for a model, and none is lost because one is away. Up to then it
 * is found by its words. No transaction is held while the model is asked; a claim in the row keeps two processes from
 * asking for the same, and ends by itself when its process was killed. What has been changed meanwhile waits again, as
 * its version is another one.
 *
 * Failure
 *   - The model is away or refuses everybody: said in the log once for each reason, tried again after longer and longer pauses, up to
 *     five minutes, which a change of the settings ends.
 *   - It refuses a text (400, 413): the texts of the batch are tried one by one, and one that is refused alone is left
 *     without a vector until it is changed. It is found by its words.
 */
@Injectable()
export class Embedder implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(Embedder.name);
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();
  private failures = 0;
  /** The last one that was said, until it is over. */
  private reason: string | undefined;
  private isLooking = false;
  private stopListening: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly embeddings: Embeddings,
    private readonly points: Points,
    private readonly wakeups: Wakeups,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.environment.roles.has('worker')) return;
    this.stopListening = this.wakeups.on('control', () => this.hope());
    this.lookAgain(this.pauseMs());
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped.abort(new Error('AOS is stopping'));
    this.stopListening?.();
    clearTimeout(this.timer);
    await this.looking;
  }

  /**
   * Everything that waits when it begins has its vector when it returns, or is claimed by another process.
   * @throws EmbeddingFault, or what the database says
   */
  async embed(): Promise<void> {
    const ctx = { actor: systemPrincipal, traceId: randomUUID().replaceAll('-', ''), ip: null };
    const model = await this.embeddings.model(ctx);
    if (typeof model === 'string') return;
    for (let more = true; more && !this.stopped.signal.aborted;) {
      const claimed = await this.claim(model);
      if (claimed.length === 0) return;
      try {
        await this.embedAll(model, claimed);
        this.points.hasAnswered();
      } catch (error) {
        await this.release(claimed);
        throw error;
      }
      more = claimed.length === BATCH;
    }
  }

  /** The settings may have been mended: it is not waited for as long as before. */
  private hope(): void {
    if (this.failures === 0) return;
    this.failures = 0;
    if (this.isLooking) return;
    clearTimeout(this.timer);
    this.lookAgain(this.pauseMs());
  }

  private pauseMs(): number {
    return Math.min(300_000, PAUSE_MS[this.database.kind] * 2 ** this.failures);
  }

  private lookAgain(inMs: number): void {
    if (this.stopped.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.looking = this.look();
    }, inMs).unref();
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    try {
      await this.embed();
      this.failures = 0;
      this.reason = undefined;
    } catch (error) {
      this.failures++;
      this.say((error as Error).message);
    }
    this.isLooking = false;
    this.lookAgain(this.pauseMs());
  }

  /** Not again at each change of the settings, a session's end among them, which all end the pause. */
  private say(reason: string): void {
    if (reason === this.reason || this.stopped.signal.aborted) return;
    this.reason = reason;
    this.logger.warn(`What is remembered could not be embedded yet, and is tried again: ${reason}`);
  }

  /** Two indexes find what waits; in an installation where nothing does, that is all. */
  private claim({ name }: EmbeddingModel): Promise<Claimed[]> {
    return this.database.query<Claimed>(
      `WITH waiting AS (
         (SELECT id FROM mem_embeddings WHERE embedded_version <> version LIMIT ${BATCH * 4})
         UNION (SELECT id FROM mem_embeddings WHERE embedded_by < $1 LIMIT ${BATCH * 4})
         UNION (SELECT id FROM mem_embeddings WHERE embedded_by > $1 LIMIT ${BATCH * 4})),
       mine AS (
         SELECT id FROM mem_embeddings
          WHERE id IN (SELECT id FROM waiting)
            AND (embedding_claimed_until IS NULL OR embedding_claimed_until < clock_timestamp())
          ORDER BY id LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
       UPDATE mem_embeddings SET embedding_claimed_until = clock_timestamp() + ${CLAIM}
        WHERE id IN (SELECT id FROM mine)
        RETURNING id::text AS id, version, coalesce(subject, '') AS subject, text`,
      [name],
    );
  }

  private async embedAll(model: EmbeddingModel, items: readonly Claimed[]): Promise<void> {
    try {
      const vectors = await model.vectors(items.map(textOf), this.stopped.signal);
      await this.write(model, items, vectors);
    } catch (error) {
      if (!(error instanceof EmbeddingFault) || !error.isOfText) throw error;
      if (items.length > 1) for (const item of items) await this.embedAll(model, [item]);
      else {
        this.logger.warn(`Item ${items[0]!.id} of memory has no vector: ${error.message}`);
        await this.write(model, items, [null]);
      }
    }
  }

  private async write(
    { name }: EmbeddingModel,
    items: readonly Claimed[],
    vectors: readonly (string | null)[],
  ): Promise<void> {
    await this.database.query(
      `UPDATE mem_embeddings AS item
          SET embedding = made.vector::vector, embedded_version = made.version, embedded_by = $1,
              embedding_claimed_until = NULL
         FROM unnest($2::bigint[], $3::int[], $4::text[]) AS made (id, version, vector)
        WHERE item.id = made.id`,
      [name, items.map(({ id }) => id), items.map(({ version }) => version), vectors],
    );
  }

  private async release(items: readonly Claimed[]): Promise<void> {
    await this.database.query(
      'UPDATE mem_embeddings SET embedding_claimed_until = NULL WHERE id = ANY ($1::bigint[])',
      [items.map(({ id }) => id)],
    );
  }
}

interface Claimed {
  id: string;
  version: number;
  subject: string;
  text: string;
}

const textOf = ({ subject, text }: Claimed) => (subject === '' ? text : `${subject}: ${text}`);
