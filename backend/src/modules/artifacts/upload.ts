import type { Request } from 'express';
import multer from 'multer';
import type { Readable } from 'node:stream';
import { MAX_ARTIFACT_BYTES, type StoredFile } from './artifact-store.js';
import { ArtifactTooLarge, UploadBroken, UploadMissing } from './artifacts.errors.js';

/**
 * Takes the one file of a multipart body as a stream, straight into the store: nothing is gathered in
 * memory and nothing lies in a temporary folder.
 */
export async function receiveUpload(
  request: Request,
  save: (file: { name: string; mediaType: string; stream: Readable }) => Promise<StoredFile>,
): Promise<StoredFile> {
  if (!request.is('multipart/form-data')) throw new UploadMissing();
  let stored: StoredFile | undefined;
  const storage: multer.StorageEngine = {
    _handleFile(_request, file, done) {
      // Browsers send the name in UTF-8; the parser reads header bytes as Latin-1.
      const name = Buffer.from(file.originalname, 'latin1').toString('utf8');
      save({ name, mediaType: mediaTypeOf(name, file.mimetype), stream: file.stream }).then(
        (saved) => {
          stored = saved;
          done(null, {});
        },
        (error: Error) => {
          file.stream.resume(); // lets the request end, so that the answer can be read
          done(error);
        },
      );
    },
    _removeFile(_request, _file, done) {
      done(null); // what was stored stays: it has a row, and the answer's failure came later
    },
  };
  const parse = multer({
    storage,
    limits: { files: 1, fields: 10, fieldSize: 64 * 1024, fileSize: MAX_ARTIFACT_BYTES, parts: 12 },
  }).single('file');
  await new Promise<void>((resolve, reject) => {
    parse(request, request.res!, (error: unknown) => {
      if (!error) return resolve();
      if ((error as { code?: string }).code === 'LIMIT_FILE_SIZE')
        return reject(new ArtifactTooLarge());
      if ((error as { name?: string }).name === 'MulterError') return reject(new UploadMissing());
      const isBroken = ofParser.test((error as { message?: string }).message ?? '');
      reject(isBroken ? new UploadBroken({ cause: error }) : (error as Error));
    });
  });
  if (!stored) throw new UploadMissing();
  return stored;
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
