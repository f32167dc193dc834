import { Controller, Get, Headers, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Artifact, Id, UploadedArtifact } from '@aos/contracts';
import type { Request, Response } from 'express';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import {
  ApiBody,
  ApiConsumes,
  ApiOperation,
  ApiResponse,
  ApiTags,
} from '../../platform/http/api-notes.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { Forbidden } from '../../platform/http/problem.js';
import { ArtifactStore } from './artifact-store.js';
import { RangeBeyondFile } from './artifacts.errors.js';
import { receiveUpload } from './upload.js';

const UploadQuery = z.strictObject({ projectId: Id.optional() });
type UploadQuery = z.infer<typeof UploadQuery>;
const ContentQuery = z.strictObject({ download: z.enum(['0', '1']).optional() });
type ContentQuery = z.infer<typeof ContentQuery>;

@ApiTags('artifacts')
@Controller('api/artifacts')
export class ArtifactsController {
  constructor(private readonly artifacts: ArtifactStore) {}

  @Post()
  @Allow('artifact.write', { anyProject: true })
  @ApiOperation({ summary: 'Upload a file', operationId: 'uploadArtifact' })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: {
      type: 'object',
      required: ['file'],
      properties: { file: { type: 'string', format: 'binary' } },
    },
  })
  @ApiResponse({ status: 201, standardSchema: UploadedArtifact })
  async upload(
    @RequestCtx() ctx: Ctx,
    @Req() request: Request,
    @Query({ schema: UploadQuery }) query: UploadQuery,
  ): Promise<UploadedArtifact> {
    const projectId = query.projectId ?? null;
    if (!isAllowed(ctx.actor, 'artifact.write', projectId))
      throw new Forbidden('You may not add files here. Ask for the role operator in this project.');
    if (projectId !== null) await this.artifacts.requireProject(projectId);
    const staged = await receiveUpload(request, this.artifacts);
    const { artifactId } = await this.artifacts.keep(ctx, staged, { projectId });
    const { name, mediaType, bytes, sha256 } = await this.artifacts.find(ctx, artifactId);
    return { artifactId, name, mediaType, bytes, sha256 };
  }

  @Get(':id')
  @Allow('artifact.read', { anyProject: true })
  @ApiOperation({ summary: 'What is known of a file', operationId: 'getArtifact' })
  @ApiResponse({ status: 200, standardSchema: Artifact })
  get(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<Artifact> {
    return this.artifacts.find(ctx, id);
  }

  /** Content is served inert: never sniffed, scripts forbidden, and only harmless types shown in place. */
  @Get(':id/content')
  @Allow('artifact.read', { anyProject: true })
  @ApiOperation({ summary: 'The bytes of a file', operationId: 'getArtifactContent' })
  @ApiResponse({
    status: 200,
    description: 'The bytes, with their media type',
    content: { '*/*': {} },
  })
  async content(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Query({ schema: ContentQuery }) query: ContentQuery,
    @Headers('range') rangeHeader: string | undefined,
    @Headers('if-range') ifRange: string | undefined,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const artifact = await this.artifacts.find(ctx, id);
    const inline = query.download !== '1' && inlineTypes.test(artifact.mediaType);
    const etag = `"${artifact.sha256}"`;
    // Who has the beginning of another file gets the whole of this one.
    const isOfThis = ifRange === undefined || ifRange === etag;
    const range = isOfThis ? parseRange(rangeHeader, artifact.bytes) : undefined;
    if (range === 'unsatisfiable') throw new RangeBeyondFile(artifact.bytes);
    response.set({
      'content-type': inline ? artifact.mediaType : 'application/octet-stream',
      'content-disposition': `${inline ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(artifact.name)}`,
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      etag,
      'accept-ranges': 'bytes',
    });
    if (request.fresh) return void response.status(304).end();
    if (range)
      response
        .status(206)
        .set('content-range', `bytes ${range.start}-${range.end}/${artifact.bytes}`);
    response.set('content-length', String(range ? range.end - range.start + 1 : artifact.bytes));
    await pipeline(this.artifacts.read(artifact.artifactId, range), response).catch(
      (error: NodeJS.ErrnoException) => {
        // The reader went away in the middle: nobody is left to tell.
        if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
      },
    );
  }
}

const inlineTypes =
  /^(image\/(svg\+xml|png|jpeg|gif|webp)|text\/(plain|csv|markdown)|application\/(json|pdf))\b/;

/** One range only; more than one, or none that can be read, is the whole file (RFC 9110 14.2). */
function parseRange(
  header: string | undefined,
  bytes: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/i.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const start = match[1] === '' ? Math.max(0, bytes - Number(match[2])) : Number(match[1]);
  const end =
    match[1] === '' || match[2] === '' ? bytes - 1 : Math.min(Number(match[2]), bytes - 1);
  return start > end || start >= bytes ? 'unsatisfiable' : { start, end };
}
