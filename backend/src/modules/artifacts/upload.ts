import type { Request } from 'express';
import multer from 'multer';
import type { Readable } from 'node:stream';
import { type ArtifactStore, MAX_ARTIFACT_BYTES, type StagedFile } from './artifact-store.js';
import {
  ArtifactTooLarge,
  UploadBroken,
  UploadFieldUnknown,
  UploadMissing,
} from './artifacts.errors.js';

/**
 * Takes the one file of a multipart body as a stream, straight to the disk: nothing is gathered in memory and nothing
 * lies in a temporary folder. It is staged, and answered once the body has ended as it should: a file whose body
 * breaks off behind it is discarded.
 */
export async function receiveUpload(request: Request, store: Stage): Promise<StagedFile> {
  if (!request.is('multipart/form-data')) throw new UploadMissing();
  let staging: { stream: Readable; end: Promise<StagedFile> } | undefined;
  const storage: multer.StorageEngine = {
    _handleFile(_request, file, done) {
      const name = file.originalname;
      const mediaType = mediaTypeOf(name, file.mimetype);
      const end = store.stage({ name, mediaType, stream: file.stream });
      staging = { stream: file.stream, end };
      end.then(
        () => done(null, {}),
        (error: Error) => {
          file.stream.resume(); // lets the request end, so that the answer can be read
          done(error);
        },
      );
    },
    _removeFile(_request, _file, done) {
      done(null); // below, for every way in which it ends badly
    },
  };
  const parse = multer({
    storage,
    // Browsers send the name in UTF-8; others name its character set (`filename*=utf-8''…`).
    defParamCharset: 'utf8',
    limits: { files: 1, fields: 10, fieldSize: 64 * 1024, fileSize: MAX_ARTIFACT_BYTES, parts: 12 },
  }).single('file');
  try {
    await new Promise<void>((resolve, reject) => {
      parse(request, request.res!, (error: unknown) =>
        error ? reject(error as Error) : resolve(),
      );
    });
  } catch (error) {
    // The body may have broken off before the file was written: what is half of it goes with the writing.
    staging?.stream.destroy();
    await staging?.end.then(
      (staged) => store.discard(staged),
      () => undefined, // then there is nothing, and `error` says why
    );
    throw refusalOf(error as Error & { code?: string });
  }
  const staged = await staging?.end;
  const others = Object.keys((request.body ?? {}) as object);
  if (staged && others.length > 0) {
    await store.discard(staged);
    throw new UploadFieldUnknown(others);
  }
  if (!staged) throw new UploadMissing();
  return staged;
}

type Stage = Pick<ArtifactStore, 'stage' | 'discard'>;

function refusalOf(error: Error & { code?: string }): Error {
  if (error.code === 'LIMIT_FILE_SIZE') return new ArtifactTooLarge();
  if (error.name === 'MulterError') return new UploadMissing();
  return ofParser.test(error.message ?? '') ? new UploadBroken({ cause: error }) : error;
}

/** Busboy and multer throw plain errors; their texts are all that tells a broken body from a fault of ours. */
const ofParser =
  /^(Multipart: Boundary not found|Malformed (part header|content type)|Unexpected end of (form|file)|Unsupported content type|Request (error|aborted|closed))/;

const byExtension: Record<string, string> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  json: 'application/json',
  md: 'text/markdown',
  txt: 'text/plain',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
};

/** The extension decides where it is known: clients often send application/octet-stream or Excel's type for CSV. */
function mediaTypeOf(name: string, claimed: string): string {
  const known = byExtension[name.slice(name.lastIndexOf('.') + 1).toLowerCase()];
  if (known) return known;
  return /^[\w.+-]+\/[\w.+-]+$/.test(claimed) ? claimed : 'application/octet-stream';
}
