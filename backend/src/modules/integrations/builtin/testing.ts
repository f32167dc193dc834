import { randomUUID, createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { say } from '@aos/contracts';
import { ToolFault, type BuiltinTool, type SavedFile, type ToolContext } from './tool.js';

const MEDIA_TYPES: Record<string, string> = { '.csv': 'text/csv', '.txt': 'text/plain' };

/** A host for the tools' own tests: artifacts in memory, the workspace a temporary folder. */
export class TestHost {
  readonly saved: SavedFile[] = [];
  readonly progress: { fraction: number; message: string }[] = [];
  readonly queries: { sql: string; params: unknown[] }[] = [];
  private readonly contents = new Map<string, Buffer>();
  allowedAddresses: readonly string[] = [];
  private readonly controller = new AbortController();

  private constructor(
    readonly workspace: string,
    private readonly fence: string,
  ) {}

  /**
   * The workspace lies a few folders deep in one of the test's own: a test that asks to delete ".."
   * must find nothing of anybody else's there on the day the guard it tests is broken.
   */
  static async start(): Promise<TestHost> {
    const fence = await realpath(await mkdtemp(join(tmpdir(), 'aos-tools-')));
    const workspace = join(fence, 'data', 'runs', 'workspace');
    await mkdir(workspace, { recursive: true, mode: 0o700 });
    return new TestHost(workspace, fence);
  }

  async stop(): Promise<void> {
    await rm(this.fence, { recursive: true, force: true });
  }

  cancel(): void {
    this.controller.abort(new ToolFault('cancelled', say('call-stopped')));
  }

  get ctx(): ToolContext {
    return {
      workspace: this.workspace,
      signal: this.controller.signal,
      open: (ref) => this.open(ref),
      save: (file) => this.save(file),
      progress: (fraction, message) => void this.progress.push({ fraction, message }),
      allowedAddresses: async () => this.allowedAddresses,
      queryReadOnly: async (sql, params) => {
        this.queries.push({ sql, params });
        return { columns: ['n'], rows: [[1]], truncated: false };
      },
    };
  }

  /** Calls a tool as the host would: arguments and answer must satisfy the schemas. */
  async call<T = Record<string, unknown>>(tool: BuiltinTool, args: unknown): Promise<T> {
    const answer = await tool.run(tool.input.parse(args), this.ctx);
    return tool.output.parse(answer) as T;
  }

  /** Writes a file into the workspace and returns its path there. */
  async put(name: string, data: string | Uint8Array): Promise<string> {
    await writeFile(join(this.workspace, name), data);
    return name;
  }

  content(artifactId: string): Buffer {
    const data = this.contents.get(artifactId);
    if (!data) throw new Error(`no artifact ${artifactId}`);
    return data;
  }

  text(artifactId: string): string {
    return this.content(artifactId).toString('utf8');
  }

  private async open(ref: string) {
    const artifact = this.saved.find((file) => file.artifactId === ref);
    if (artifact) {
      const path = join(this.workspace, `.artifact-${artifact.artifactId}`);
      await writeFile(path, this.content(ref));
      return { path, name: artifact.name, mediaType: artifact.mediaType, bytes: artifact.bytes };
    }
    const path = ref.startsWith('/') ? ref : join(this.workspace, ref);
    const { size } = await stat(path);
    const mediaType = MEDIA_TYPES[extname(path)] ?? 'application/octet-stream';
    return { path, name: basename(path), mediaType, bytes: size };
  }

  private async save(file: Parameters<ToolContext['save']>[0]): Promise<SavedFile> {
    const data = file.path === undefined ? Buffer.from(file.data!) : await readFile(file.path);
    const saved: SavedFile = {
      artifactId: randomUUID(),
      name: file.name,
      mediaType: file.mediaType,
      bytes: data.length,
      sha256: createHash('sha256').update(data).digest('hex'),
    };
    this.contents.set(saved.artifactId, data);
    this.saved.push(saved);
    return saved;
  }
}
