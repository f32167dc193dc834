import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ImportOpenApi as Input, type OpenApiImport, say } from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, faultAt } from '../../../platform/http/problem.js';
import { AddressRefused, GuardedFetch } from '../chain/guarded-fetch.js';
import { ServerUrlRefused } from '../integrations.errors.js';
import { documentOf } from '../openapi/document-source.js';
import { DocumentRefused, type ReadDocument, readOperations } from '../openapi/operations.js';
import { ServerReports } from '../server-reports.js';
import { Registration } from './registration.js';
import { requireSecret } from './registration-checks.js';

/** Makes a tool server of a REST service that an OpenAPI document describes: one tool for each operation. */
export class ImportOpenApi extends Command<OpenApiImport> {
  constructor(
    readonly ctx: Ctx,
    readonly input: Input,
  ) {
    super();
  }
}

@CommandHandler(ImportOpenApi)
export class ImportOpenApiHandler implements ICommandHandler<ImportOpenApi> {
  constructor(
    private readonly database: Database,
    private readonly registration: Registration,
    private readonly reports: ServerReports,
    private readonly outside: GuardedFetch,
  ) {}

  async execute({ ctx, input }: ImportOpenApi): Promise<OpenApiImport> {
    const read = await this.read(input);
    const baseUrl = input.baseUrl ?? read.baseUrl;
    const tools = read.tools.filter(
      ({ operation }) => !input.include || input.include.includes(operation.tool),
    );
    const answer = {
      name: input.name,
      baseUrl: baseUrl ?? null,
      tools: tools.map(({ definition, operation }) => ({
        name: operation.tool,
        method: operation.method,
        path: operation.path,
        title: definition.title ?? operation.tool,
        description: definition.description ?? '',
        inputSchema: definition.inputSchema,
      })),
      refused: read.refused,
    };
    if (baseUrl !== undefined) await this.requireReachable(baseUrl);
    if (input.preview) return { ...answer, server: null };
    if (baseUrl === undefined) throw new ServerUrlRefused(say('url-not-in-document'));
    if (tools.length === 0)
      throw new AosError('validation_failed', say('document-no-tool'), {
        errors: [faultAt('document', say('has-no-tool'))],
      });
    return { ...answer, server: await this.register(ctx, input, { ...read, baseUrl, tools }) };
  }

  private async read(input: Input): Promise<ReadDocument> {
    try {
      return readOperations(await documentOf(input, this.outside));
    } catch (error) {
      const path = input.documentUrl === undefined ? 'document' : 'documentUrl';
      if (error instanceof AddressRefused)
        throw new AosError('validation_failed', say('document-address'), {
          errors: [faultAt(path, error.said)],
        });
      if (!(error instanceof DocumentRefused)) throw error;
      throw new AosError('validation_failed', say('document-unreadable', { why: error.said }), {
        errors: [faultAt(path, error.said)],
      });
    }
  }

  private async requireReachable(baseUrl: string): Promise<void> {
    try {
      await this.outside.check(baseUrl);
    } catch (error) {
      if (error instanceof AddressRefused) throw new ServerUrlRefused(error.said);
      throw error;
    }
  }

  private async register(
    ctx: Ctx,
    input: Input,
    read: ReadDocument & { baseUrl: string },
  ): Promise<OpenApiImport['server']> {
    const { name, auth } = input;
    this.registration.requireName(name);
    await this.registration.requireFree(name);
    await requireSecret(this.database, ctx, auth ? { auth: { secret: auth.secret } } : {});
    const registration = {
      name,
      transport: 'openapi' as const,
      url: read.baseUrl,
      description: input.description ?? (read.description || read.title).slice(0, 2000),
      auth: auth && { secret: auth.secret },
      // These methods change nothing, so asking twice is asking once.
      idempotentTools: read.tools.flatMap(({ operation }) =>
        operation.method === 'GET' || operation.method === 'HEAD' ? [operation.tool] : [],
      ),
      openapi: { baseUrl: read.baseUrl, auth: auth ?? null, tools: read.tools },
    };
    const seen = await this.registration.look(registration);
    const row = await this.database.transaction((tx) =>
      this.registration.store(tx, ctx, registration, seen),
    );
    return this.reports.of(row);
  }
}
