import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs';
import { chmod, mkdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Inject, Injectable } from '@nestjs/common';
import { type Artifact, say } from '@aos/contracts';
import { v7 as uuid } from 'uuid';
import { AuditTrail } from '../../platform/audit/audit-trail.js';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { type Tx, sql } from '../../platform/database/sql.js';
import { type Ctx, isAllowed } from '../../platform/http/context.js';
import { NotFound } from '../../platform/http/problem.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { ArtifactNameInvalid, ArtifactTooLarge, StorageFull } from './artifacts.errors.js';

/** The largest file that is taken, in bytes. */
export const MAX_ARTIFACT_BYTES = 2 * 1024 ** 3;
/** Below this much free space nothing more is written, so that the database and the audit keep room. */
const RESERVED_BYTES = 256 * 1024 ** 2;

/** What a file holds: one of the three, a file to copy, the bytes themselves, or a stream. */
export interface FileContent {
  name: string;
  mediaType: string;
  path?: string;
  data?: string | Uint8Array;
  stream?: Readable;
}

/** Where an artifact belongs. */
export interface ArtifactPlace {
  jobId?: string | null;
  stepId?: string | null;
  traceId?: string | null;
  projectId?: string | null;
}

export type NewArtifact = FileContent & ArtifactPlace;

/** Written whole to the disk, under the id that it will have; no row says so yet. */
export interface StagedFile extends StoredFile {
  path: string;
}

export interface StoredFile {
  artifactId: string;
  name: string;
  mediaType: string;
  bytes: number;
  sha256: string;
}

/**
 * Files that people bring and runs make. The bytes lie in the data folder under the artifact's id, never
 * under a name that a client chose; the row holds the name. The file is written whole (temporary name,
 * fsync, rename) before the row is committed, so a row always has its file; a crash between the two leaves
 * a file without a row, which nobody can ask for (see ArtifactSweep). An artifact is never changed after it was made. A step that is done
 * again, since nobody saw its end, makes the same file again: then the first one is answered, and none is added.
 */
@Injectable()
export class ArtifactStore {
  private readonly folder: string;

  constructor(
    @Inject(ENVIRONMENT) environment: Environment,
    private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {
    this.folder = join(environment.dataDir, 'artifacts');
  }

  async save(ctx: Ctx, file: NewArtifact): Promise<StoredFile> {
    return this.keep(ctx, await this.stage(file), file);
  }

  /** Writes the bytes. Whoever stages a file keeps or discards it. */
  async stage(file: FileContent): Promise<StagedFile> {
    const name = plainName(file.name);
    const artifactId = uuid();
    const path = this.pathOf(artifactId);
    await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
    await this.requireSpace();
    return { artifactId, path, name, mediaType: file.mediaType, ...(await this.write(path, file)) };
  }

  async discard({ path }: StagedFile): Promise<void> {
    await rm(path, { force: true });
  }

  /** Makes the artifact of it, with its audit row and its event; the staged file is gone when that fails. */
  async keep(ctx: Ctx, staged: StagedFile, place: ArtifactPlace): Promise<StoredFile> {
    const { path, ...stored } = staged;
    const { artifactId: id, name, mediaType, bytes, sha256 } = stored;
    const traceId = place.traceId ?? ctx.traceId;
    const projectId = place.projectId ?? null;
    let known: StoredFile | undefined;
    try {
      known = await this.database.transaction(async (tx) => {
        const before = await madeBefore(tx, place, name, sha256);
        if (before) return before;
        await sql(
          tx,
          `INSERT INTO artifacts (id, name, media_type, bytes, sha256, job_id, step_id, trace_id, project_id, created_by)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
          [
            ...[id, name, mediaType, bytes, sha256],
            ...[place.jobId ?? null, place.stepId ?? null, traceId, projectId, ctx.actor.id],
          ],
        );
        await this.audit.record(tx, ctx, {
          action: 'artifact.create',
          resource: `artifact:${id}`,
          diff: { after: { name, mediaType, bytes, sha256 } },
          projectId,
        });
        await this.outbox.append(tx, [
          {
            traceId,
            jobId: place.jobId ?? null,
            projectId,
            topic: 'artifact',
            type: 'artifact.created',
            summary: say('artifact-stored', { name, bytes }),
            payload: { artifactId: id, name, mediaType, bytes, sha256 },
            actor: ctx.actor.id,
          },
        ]);
        return undefined;
      });
    } catch (error) {
      await this.discard(staged);
      throw error;
    }
    if (known) await this.discard(staged);
    return known ?? stored;
  }

  /** @throws NotFound when there is none, or when the actor may not read artifacts of its project. */
  async find(ctx: Ctx, artifactId: string): Promise<Artifact> {
    const rows = isUuid(artifactId)
      ? await this.database.query<ArtifactRow>(`${select} WHERE id = $1`, [artifactId])
      : [];
    const row = rows[0];
    if (!row || !isAllowed(ctx.actor, 'artifact.read', row.project_id))
      throw new NotFound(`The artifact ${artifactId}`);
    return toArtifact(row);
  }

  /** As `find`, with the path of the bytes on local disk; to be read only. */
  async open(ctx: Ctx, artifactId: string): Promise<Artifact & { path: string }> {
    const artifact = await this.find(ctx, artifactId);
    return { ...artifact, path: this.pathOf(artifact.artifactId) };
  }

  /** @throws NotFound: what lies in a project that does not exist is found by nobody. */
  async requireProject(id: string): Promise<void> {
    const rows = await this.database.query('SELECT 1 FROM projects WHERE id = $1', [id]);
    if (rows.length === 0) throw new NotFound(`The project ${id}`);
  }

  async ofJob(jobId: string): Promise<Artifact[]> {
    const rows = await this.database.query<ArtifactRow>(`${select} WHERE job_id = $1 ORDER BY id`, [
      jobId,
    ]);
    return rows.map(toArtifact);
  }

  read(artifactId: string, range?: { start: number; end: number }): ReadStream {
    return createReadStream(this.pathOf(artifactId), range);
  }

  private pathOf(id: string): string {
    // The last characters of a UUIDv7 are random: they spread the files evenly over 256 folders.
    return join(this.folder, id.slice(-2), id);
  }

  private async requireSpace(): Promise<void> {
    const { bavail, bsize } = await statfs(this.folder);
    if (bavail * bsize < RESERVED_BYTES) throw new StorageFull();
  }

  private async write(path: string, file: FileContent): Promise<{ bytes: number; sha256: string }> {
    const half = `${path}.part`;
    const hash = createHash('sha256');
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (bytes > MAX_ARTIFACT_BYTES) return done(new ArtifactTooLarge());
        hash.update(chunk);
        done(null, chunk);
      },
    });
    try {
      await pipeline(sourceOf(file), meter, createWriteStream(half, { mode: 0o600, flush: true }));
      await rename(half, path);
      await chmod(path, 0o400);
    } catch (error) {
      await rm(half, { force: true });
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw new StorageFull({ cause: error });
      throw error;
    }
    return { bytes, sha256: hash.digest('hex') };
  }

  /** For the first look at a stored file: its size as the disk has it. */
  async sizeOnDisk(artifactId: string): Promise<number> {
    return (await stat(this.pathOf(artifactId))).size;
  }
}

/** Steps of one run make their files in turn: whoever asks for the same one waits for the answer of the first. */
async function madeBefore(
  tx: Tx,
  { jobId, stepId }: ArtifactPlace,
  name: string,
  sha256: string,
): Promise<StoredFile | undefined> {
  if (jobId == null || stepId == null) return undefined;
  await sql(tx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 726307))`, [
    JSON.stringify([jobId, stepId, name]),
  ]);
  const { rows } = await sql<ArtifactRow>(
    tx,
    `${select} WHERE job_id = $1 AND step_id = $2 AND name = $3 AND sha256 = $4 ORDER BY id LIMIT 1`,
    [jobId, stepId, name, sha256],
  );
  if (!rows[0]) return undefined;
  const { artifactId, mediaType, bytes } = toArtifact(rows[0]);
  return { artifactId, name, mediaType, bytes, sha256 };
}

function sourceOf(file: FileContent): Readable {
  if (file.stream) return file.stream;
  if (file.path !== undefined) return createReadStream(file.path);
  return Readable.from([Buffer.from(file.data ?? '')]);
}

/** A file's name is shown and offered for download; it never becomes a path. */
function plainName(name: string): string {
  const plain = name.normalize('NFC').trim();

  const isFit =
    plain.length > 0 &&
    plain.length <= 255 &&
    !/[\p{Cc}/\\\u200b-\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u.test(plain);
  if (!isFit || plain === '.' || plain === '..') throw new ArtifactNameInvalid();
  return plain;
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);

interface ArtifactRow {
  id: string;
  name: string;
  media_type: string;
  bytes: string;
  sha256: string;
  job_id: string | null;
  step_id: string | null;
  project_id: string | null;
  created_by: string;
  created_at: Date;
}

const select = `SELECT id, name, media_type, bytes, sha256, job_id, step_id, project_id, created_by, created_at FROM artifacts`;

const toArtifact = (row: ArtifactRow): Artifact => ({
  artifactId: row.id,
  name: row.name,
  mediaType: row.media_type,
  bytes: Number(row.bytes),
  sha256: row.sha256,
  jobId: row.job_id === null ? null : String(row.job_id),
  stepId: row.step_id,
  projectId: row.project_id,
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
});
