import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ModelTrial, TryModel, say } from '@aos/contracts';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { AosError, faultAt } from '../../platform/http/problem.js';
import { EmbeddingFault, Embeddings } from '../memory/index.js';
import { LanguageModels, type ModelUse } from './language-models.js';

/** In each process, for each person. */
const PER_MINUTE = 10;

interface Trial {
  model: string;
  ask(signal: AbortSignal): Promise<{ fault?: string; use?: ModelUse | undefined }>;
}

/** Whether the models that the settings name can be asked, before a run finds out that they cannot. */
@ApiTags('config')
@Controller('config/system')
export class ModelTrialsController {
  private readonly taken = new RateLimiterMemory({ points: PER_MINUTE, duration: 60 });

  constructor(
    private readonly models: LanguageModels,
    private readonly embeddings: Embeddings,
  ) {}

  @Post('try-model')
  @HttpCode(200)
  @Allow('config.write')
  @ApiOperation({ summary: 'Ask a model of the settings something small', operationId: 'tryModel' })
  @ApiResponse({ status: 200, standardSchema: ModelTrial })
  async tryModel(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: TryModel }) { section }: TryModel,
  ): Promise<ModelTrial> {
    const trial = section === 'llm' ? await this.llm(ctx) : await this.ofMemory(ctx);
    if (!trial)
      throw new AosError('validation_failed', say('try-none'), {
        errors: [faultAt(section, say('must-name-provider'))],
      });
    await this.take(ctx);
    const begunAt = performance.now();
    // Both have a time limit of their own.
    const { fault, use } = await trial.ask(new AbortController().signal);
    return {
      ok: fault === undefined,
      model: trial.model,
      durationMs: Math.round(performance.now() - begunAt),
      inputTokens: use?.inputTokens ?? null,
      outputTokens: use?.outputTokens ?? null,
      fault: fault ?? null,
    };
  }

  private async llm(ctx: Ctx): Promise<Trial | undefined> {
    const model = await this.models.forTrial(ctx);
    return model && { model: model.name, ask: (signal) => model.tryOut(signal) };
  }

  private async ofMemory(ctx: Ctx): Promise<Trial | undefined> {
    const model = await this.embeddings.model(ctx);
    if (model === 'no-model') return undefined;
    if (model === 'no-pgvector')
      throw new AosError('validation_failed', say('try-no-pgvector'), {
        errors: [faultAt('embeddings', say('needs-pgvector'))],
      });
    return {
      model: model.model,
      ask: async (signal) => {
        try {
          await model.vectors(['Are you ready?'], signal);
          return {};
        } catch (error) {
          if (error instanceof EmbeddingFault) return { fault: error.message };
          throw error;
        }
      },
    };
  }

  private async take({ actor }: Ctx): Promise<void> {
    await this.taken.consume(actor.userId ?? actor.id).catch((full: unknown) => {
      if (!(full instanceof RateLimiterRes)) throw full;
      throw new AosError('too_many_requests', say('try-pause'), {
        retryAfterSeconds: Math.ceil(full.msBeforeNext / 1000),
      });
    });
  }
}
