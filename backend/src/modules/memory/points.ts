import { Injectable, Logger } from '@nestjs/common';
import type { MemorySearchAnswer } from '@aos/contracts';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Ctx } from '../../platform/http/context.js';
import { EmbeddingFault, type EmbeddingModel, Embeddings } from './embeddings.js';

/** Where a text lies, in the space of one model. */
export interface Point {
  model: EmbeddingModel;
  vector: string;
}
export type WhyNoPoint = Exclude<MemorySearchAnswer['whyText'], null>;

/** Of 1536 numbers as text: 4 MB at most. */
const MOST_KEPT = 200;
/** Far more than anybody searches for by hand. Each is paid for, and a row of the audit when the model has a key. */
const ASKED_PER_MINUTE = 60;
/** A plan and a search wait for a model that is away, but not each of them. */
const REST_MS = 15_000;

/**
 * Where the texts lie that are searched for. A model is asked once for a text, however many search for it, so often in a
 * minute for one person in each process, and not at all for a while after it did not answer: whoever searches then has
 * what the words find, and the reason.
 */
@Injectable()
export class Points {
  private readonly logger = new Logger(Points.name);
  private readonly known = new Map<string, Promise<string>>();
  private readonly asked = new RateLimiterMemory({ points: ASKED_PER_MINUTE, duration: 60 });
  private resting: { model: string; until: number } | undefined;

  constructor(private readonly embeddings: Embeddings) {}

  async of(ctx: Ctx, text: string): Promise<Point | WhyNoPoint> {
    const model = await this.embeddings.model(ctx);
    if (typeof model === 'string') return model;
    const key = `${model.name}\n${text}`;
    let vector = this.known.get(key);
    if (!vector) {
      if (this.isResting(model)) return 'away';
      if (!(await this.mayAsk(ctx))) return 'limited';
      // Somebody may have asked for it meanwhile.
      vector = this.known.get(key) ?? model.vectors([text], NEVER).then(([first]) => first!);
    }
    this.keep(key, vector);
    try {
      return { model, vector: await vector };
    } catch (error) {
      this.known.delete(key);
      if (!(error instanceof EmbeddingFault)) throw error;
      this.logger.warn(`The model for embeddings could not be asked: ${error.message}`);
      if (!error.isOfText) this.resting = { model: model.name, until: performance.now() + REST_MS };
      return 'away';
    }
  }

  /** It has answered somebody else. */
  hasAnswered(): void {
    this.resting = undefined;
  }

  private isResting({ name }: EmbeddingModel): boolean {
    return this.resting?.model === name && performance.now() < this.resting.until;
  }

  private async mayAsk({ actor }: Ctx): Promise<boolean> {
    try {
      await this.asked.consume(actor.userId ?? actor.id);
      return true;
    } catch (full) {
      if (full instanceof RateLimiterRes) return false;
      throw full;
    }
  }

  /** What was asked for last is kept longest. */
  private keep(key: string, vector: Promise<string>): void {
    this.known.delete(key);
    this.known.set(key, vector);
    if (this.known.size > MOST_KEPT) this.known.delete(this.known.keys().next().value!);
  }
}

/** Its own limit of time ends it. */
const NEVER = new AbortController().signal;
