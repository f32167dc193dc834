import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ImportOpenApi as Input, type OpenApiImport, say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError, faultAt } from '../../../platform/http/problem.js';
import { Proposed } from '../../proposals/index.js';
import { AddressRefused, GuardedFetch } from '../chain/guarded-fetch.js';
import { ServerUrlRefused } from '../integrations.errors.js';
import { documentOf } from '../openapi/document-source.js';
import { DocumentRefused, type ReadDocument, readOperations } from '../openapi/operations.js';
import type { ServerRow } from '../registry.js';
import { ServerReports } from '../server-reports.js';
import { Registration } from './registration.js';
import { Registrations } from './registrations.js';

/** Makes a tool server of a REST service that an OpenAPI document describes: one tool for each operation. */
export class ImportOpenApi extends Command<OpenApiImport | Proposed> {
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
    private readonly registration: Registration,
    private readonly registrations: Registrations,
    private readonly reports: ServerReports,
    private readonly outside: GuardedFetch,
  ) {}

  async execute({ ctx, input }: ImportOpenApi): Promise<OpenApiImport | Proposed> {
    const read = await this.read(input);
    const { baseUrl } = read;
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
        ...(operation.baseUrl === undefined ? {} : { baseUrl: operation.baseUrl }),
        title: definition.title ?? operation.tool,
        description: definition.description ?? '',
        inputSchema: definition.inputSchema,
      })),
      refused: read.refused,
    };
    if (baseUrl !== undefined) await this.registration.requireAddress(baseUrl);
    if (input.preview) return { ...answer, server: null };
    if (baseUrl === undefined) throw new ServerUrlRefused(say('url-not-in-document'));
    if (tools.length === 0)
      throw new AosError('validation_failed', say('document-no-tool'), {
        errors: [faultAt('document', say('has-no-tool'))],
      });
    const rows = await this.register(ctx, input, { ...read, baseUrl, tools });
    if (rows instanceof Proposed) return rows;
    return { ...answer, server: await this.reports.of(rows[0]!) };
  }

  private async read(input: Input): Promise<ReadDocument> {
    try {
      const read = await readOperations(await documentOf(input, this.outside), input);
      return await this.withoutUnreachable(read);
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

  /** Of operations that are elsewhere: one whose address must not be asked is left out, as any other that cannot be. */
  private async withoutUnreachable(read: ReadDocument): Promise<ReadDocument> {
    const judged = new Map<string | undefined, AddressRefused | undefined>();
    for (const { baseUrl } of read.tools.map(({ operation }) => operation))
      if (baseUrl !== undefined && !judged.has(baseUrl))
        judged.set(baseUrl, await this.refusalOf(baseUrl));
    const tools = read.tools.filter(({ operation }) => {
      const refusal = judged.get(operation.baseUrl);
      if (refusal)
        read.refused.push({
          operation: `${operation.method} ${operation.path}`.slice(0, 300),
          ...{ why: refusal.message, said: refusal.said },
        });
      return !refusal;
    });
    return { ...read, tools };
  }

  private async refusalOf(address: string): Promise<AddressRefused | undefined> {
    try {
      await this.outside.check(address);
      return undefined;
    } catch (error) {
      if (error instanceof AddressRefused) return error;
      throw error;
    }
  }

  private async register(
    ctx: Ctx,
    input: Input,
    read: ReadDocument & { baseUrl: string },
  ): Promise<ServerRow[] | Proposed> {
    const { name, auth } = input;
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
    await this.registrations.check(ctx, registration);
    return this.registrations.add(ctx, [registration], 'server.register');
  }
}
