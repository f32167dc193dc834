import { Injectable } from '@nestjs/common';
import type { SystemConfig } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { inSpan } from '../../platform/telemetry/span.js';
import { Settings, Vault } from '../config/index.js';

/** Of the column. Vectors that are shorter are filled up with zeros, which changes no angle between two of them. */
const DIMENSIONS = 1536;

type EmbeddingsConfig = SystemConfig['embeddings'];

/** What cannot be embedded, and why; `isOfText` when another text may well be. */
export class EmbeddingFault extends Error {
  constructor(
    message: string,
    readonly isOfText: boolean,
  ) {
    super(message);
  }
}

/** The model that the settings name, for as long as they name it. */
@Injectable()
export class Embeddings {
  constructor(
    private readonly settings: Settings,
    private readonly vault: Vault,
    private readonly database: Database,
  ) {}

  async model(ctx: Ctx): Promise<EmbeddingModel | 'no-model' | 'no-pgvector'> {
    const { embeddings } = await this.settings.system();
    if (embeddings.provider === 'none') return 'no-model';
    if (!this.database.hasVector) return 'no-pgvector';
    const { apiKeySecret } = embeddings;
    const reveal = async () =>
      apiKeySecret ? this.vault.reveal(ctx, apiKeySecret, null, 'embeddings of memory') : 'none';
    return new EmbeddingModel(embeddings, reveal, this.vault.redactor());
  }
}

/** An OpenAI-compatible model. Whatever it answers is measured before it is used. */
export class EmbeddingModel {
  /** Vectors of two models cannot be compared, nor those of one asked for in two lengths. */
  readonly name: string;

  constructor(
    private readonly config: EmbeddingsConfig,
    private readonly reveal: () => Promise<string>,
    private readonly redact: (text: string) => string,
  ) {
    const { baseUrl = '', model = '', dimensions = '' } = config;
    this.name = [baseUrl, model, dimensions].join(' ');
  }

  /** What the provider calls it. */
  get model(): string {
    return this.config.model ?? '';
  }

  /**
   * One vector a text, as pgvector reads them.
   * @throws EmbeddingFault with a sentence for people; the reason of the signal.
   */
  async vectors(texts: readonly string[], signal: AbortSignal): Promise<string[]> {
    const { model, baseUrl, dimensions, timeoutMs } = this.config;
    return inSpan(
      'model',
      'model embeddings',
      { 'gen_ai.request.model': model ?? '', 'aos.texts': texts.length },
      async () => {
        const until = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
        const answer = await this.asked(async () => {
          // Two hundred modules, of use only where there is a model.
          const { OpenAIClient } = await import('@langchain/openai');
          const client = new OpenAIClient({
            apiKey: await this.reveal(),
            baseURL: baseUrl ?? null,
            maxRetries: 0,
          });
          return client.embeddings.create(
            {
              model: model!,
              input: [...texts],
              encoding_format: 'float',
              ...(dimensions === undefined ? {} : { dimensions }),
            },
            { signal: until },
          );
        }, signal);
        const vectors = (answer as { data?: { embedding?: unknown }[] }).data ?? [];
        if (vectors.length !== texts.length)
          throw new EmbeddingFault('it did not answer with one vector for each text', false);
        return vectors.map(({ embedding }) => fitted(embedding));
      },
    );
  }

  private async asked<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const { status } = error as { status?: number };
      // Providers like to quote the key that they refuse.
      const [reason = ''] = this.redact((error as Error).message).split('\n', 1);
      throw new EmbeddingFault(reason.slice(0, 300), status === 400 || status === 413);
    }
  }
}

function fitted(embedding: unknown): string {
  const isVector =
    Array.isArray(embedding) &&
    embedding.length > 0 &&
    embedding.every((each) => typeof each === 'number' && Number.isFinite(each));
  if (!isVector) throw new EmbeddingFault('it answered with something that is no vector', false);
  const numbers = embedding as number[];
  if (numbers.length > DIMENSIONS)
    throw new EmbeddingFault(
      `it answers with ${numbers.length} numbers, and ${DIMENSIONS} fit: ask it for fewer (embeddings.dimensions), or take another model`,
      false,
    );
  if (numbers.every((each) => each === 0))
    throw new EmbeddingFault('it answered with a vector of zeros', true);
  const zeros = new Array<number>(DIMENSIONS - numbers.length).fill(0);
  return `[${[...numbers, ...zeros].join(',')}]`;
}
