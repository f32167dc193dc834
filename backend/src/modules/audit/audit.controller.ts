import { Controller, Get, Query, Res } from '@nestjs/common';
import { AuditPage, AuditQuery, AuditVerification, AuditVerifyQuery } from '@aos/contracts';
import type { Response } from 'express';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { type AuditFilter, AuditQueries } from './audit.queries.js';
import { ndjsonLine } from './ndjson.js';
import { Sealer } from './sealer.js';
import { AuditVerifier } from './verifier.js';

const ExportQuery = AuditQuery.omit({ limit: true, cursor: true });

@ApiTags('audit')
@Controller('audit')
export class AuditController {
  constructor(
    private readonly queries: AuditQueries,
    private readonly audit: AuditTrail,
    private readonly sealer: Sealer,
    private readonly verifier: AuditVerifier,
  ) {}

  @Get('logs')
  @Allow('audit.read')
  @ApiOperation({ summary: 'Who did what, newest first', operationId: 'listAudit' })
  @ApiResponse({ status: 200, standardSchema: AuditPage })
  logs(@Query({ schema: AuditQuery }) query: AuditQuery) {
    return this.queries.page(query);
  }

  @Get('verify')
  @Allow('audit.read')
  @ApiOperation({
    summary: 'Holds the record against its hash chain and its signed checkpoints',
    operationId: 'verifyAudit',
  })
  @ApiResponse({ status: 200, standardSchema: AuditVerification })
  verify(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: AuditVerifyQuery }) { from }: AuditVerifyQuery,
  ): Promise<AuditVerification> {
    return this.verifier.verifyFor(ctx, from);
  }

  @Get('export')
  @Allow('audit.read')
  @ApiOperation({
    summary: 'The record as NDJSON, in the order of its chain, which anyone can check offline',
    operationId: 'exportAudit',
  })
  @ApiResponse({
    status: 200,
    description: 'One JSON object a line',
    content: { 'application/x-ndjson': { schema: { type: 'string' } } },
  })
  async export(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: ExportQuery }) query: AuditFilter,
    @Res() response: Response,
  ): Promise<void> {
    await this.audit.recordAlone(ctx, {
      action: 'audit.export',
      resource: 'audit:logs',
      diff: { filter: query },
    });
    await this.sealer.seal();
    response.set({
      'content-type': 'application/x-ndjson; charset=utf-8',
      'content-disposition': 'attachment; filename="aos-audit.ndjson"',
      'cache-control': 'no-store',
    });
    await pipeline(Readable.from(this.lines(query)), response).catch(
      (error: NodeJS.ErrnoException) => {
        // The reader went away in the middle: nobody is left to tell.
        if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      },
    );
  }

  private async *lines(filter: AuditFilter): AsyncGenerator<string> {
    for await (const row of this.queries.rows(filter)) yield ndjsonLine(row);
  }
}
