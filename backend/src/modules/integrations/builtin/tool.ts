import { type Said, inEnglish } from '@aos/contracts';
import type { z } from 'zod';

/** A file that a tool made, as it stands in the artifact store. */
export interface SavedFile {
  artifactId: string;
  name: string;
  mediaType: string;
  bytes: number;
  sha256: string;
}

/** A file a tool may read. `path` is on local disk and must be treated as read-only. */
export interface OpenedFile {
  path: string;
  name: string;
  mediaType: string;
  bytes: number;
}

/**
 * What one call of a built-in tool may touch. Nothing else in the process is reachable from a tool:
 * its files are those of its run's workspace and the artifacts its caller may read.
 */
export interface ToolContext {
  /** Absolute path of the folder that belongs to this run (created, 0700). */
  workspace: string;
  /** Aborted when the call times out or its run is cancelled. */
  signal: AbortSignal;
  /** `ref` is an artifact id (a UUID) or a path relative to the workspace. Throws ToolFault otherwise. */
  open(ref: string): Promise<OpenedFile>;
  /** Streams `path` (or writes `data`) into the artifact store. `name` is a plain file name. */
  save(file: {
    name: string;
    mediaType: string;
    path?: string;
    data?: string | Uint8Array;
  }): Promise<SavedFile>;
  /** Fraction 0..1 of the work done, with a short sentence. May be called often; is thinned out. */
  progress(fraction: number, message: string): void;
  /** Addresses and ranges that are not public and may be reached all the same. */
  allowedAddresses(): Promise<readonly string[]>;
  /** Runs one statement in a READ ONLY transaction as a role without access to AOS's own tables. */
  queryReadOnly(
    sql: string,
    params: unknown[],
    limits: { maxRows: number; timeoutMs: number },
  ): Promise<{
    columns: string[];
    rows: unknown[][];
    truncated: boolean;
  }>;
}

/** One tool of a built-in server. Arguments arrive parsed by `input`; the answer must satisfy `output`. */
export interface BuiltinTool<
  I extends z.ZodObject = z.ZodObject,
  O extends z.ZodObject = z.ZodObject,
> {
  name: string;
  title: string;
  description: string;
  input: I;
  output: O;
  /** True when a second call with the same arguments leaves the world as the first did. */
  idempotent: boolean;
  /** True when the tool changes nothing at all. */
  readOnly: boolean;
  run(args: z.infer<I>, ctx: ToolContext): Promise<z.infer<O>>;
}

/** Keeps the two schemas' types tied to `run` where the tool is declared. */
export function tool<I extends z.ZodObject, O extends z.ZodObject>(
  definition: BuiltinTool<I, O>,
): BuiltinTool {
  return definition as unknown as BuiltinTool;
}

/**
 * A failure the caller can act on. `code` is stable; `said` says what was wrong and what to do, by a code of its own, so
 * that it has a sentence in every language; `message` is the English one.
 */
export class ToolFault extends Error {
  constructor(
    readonly code: string,
    readonly said: Said,
    options?: { cause?: unknown },
  ) {
    super(inEnglish(said), options);
    this.name = 'ToolFault';
  }
}
