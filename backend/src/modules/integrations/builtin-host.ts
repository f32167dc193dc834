import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type Said, inEnglish, say } from '@aos/contracts';
import { McpServer, type ServerContext } from '@modelcontextprotocol/server';
import type { Environment } from '../../platform/config/environment.js';
import { AosError } from '../../platform/http/problem.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { ArtifactStore } from '../artifacts/index.js';
import {
  type BuiltinTool,
  type OpenedFile,
  type SavedFile,
  type ToolContext,
  ToolFault,
} from './builtin/tool.js';
import { BUILTIN_SERVERS, type BuiltinServers } from './builtin-servers.js';
import { Settings, Vault } from '../config/index.js';
import { ReadOnlySql } from './read-only-sql.js';
import { InProcessServers } from './upstreams/in-process.js';
import type { Caller } from './upstreams/upstream.js';
import { Workspace } from './workspace.js';

const PROGRESS_EVERY_MS = 100;

/**
 * Turns the built-in tools into MCP servers and gives each call its ToolContext: the workspace of its run,
 * the artifacts that its caller may read, progress, a signal, a read-only query. A tool reaches nothing else
 * of the process through it.
 *
 * A ToolFault is told to the caller as it stands, in English within the answer and by its code beside the protocol. What a tool did not foresee is logged and told without its
 * inner details.
 */
@Injectable()
export class BuiltinHost implements OnModuleInit {
  private readonly logger = new Logger(BuiltinHost.name);

  constructor(
    @Inject(ENVIRONMENT) private readonly environment: Environment,
    @Inject(BUILTIN_SERVERS) private readonly servers: BuiltinServers,
    private readonly inProcess: InProcessServers,
    private readonly artifacts: ArtifactStore,
    private readonly readOnlySql: ReadOnlySql,
    private readonly vault: Vault,
    private readonly settings: Settings,
  ) {}

  onModuleInit(): void {
    this.inProcess.provide('builtin', (name) => this.makeServer(name));
  }

  private makeServer(name: string): McpServer {
    const definition = this.servers[name];
    if (!definition) throw new Error(`"${name}" is not built in`);
    const server = new McpServer({ name, version: '1' });
    for (const tool of definition.tools)
      server.registerTool(
        tool.name,
        {
          title: tool.title,
          description: tool.description,
          inputSchema: tool.input,
          outputSchema: tool.output,
          annotations: { readOnlyHint: tool.readOnly, idempotentHint: tool.idempotent },
        },
        (args, context) => this.run(name, tool, args as Record<string, unknown>, context),
      );
    return server;
  }

  private async run(
    server: string,
    tool: BuiltinTool,
    args: Record<string, unknown>,
    context: ServerContext,
  ) {
    const caller = this.inProcess.callerOf(context.mcpReq._meta);
    const workspace = caller.run
      ? await Workspace.ofJob(this.environment.dataDir, caller.run.jobId)
      : await Workspace.ofCall(this.environment.dataDir);
    try {
      // What the tool's schema does not name stays here: the parse takes it off.
      const answer = tool.output.parse(
        await tool.run(args, this.contextOf(caller, workspace, context)),
      );
      return {
        content: [{ type: 'text' as const, text: JSON.stringify(answer) }],
        structuredContent: answer,
      };
    } catch (error) {
      const why = this.tell(server, tool, caller, context.mcpReq.signal, error);
      if (typeof why !== 'string') caller.said = why;
      const text = typeof why === 'string' ? why : inEnglish(why);
      return { content: [{ type: 'text' as const, text }], isError: true };
    } finally {
      // What the tool has answered is true whatever becomes of its folder.
      await workspace.release().catch((error: unknown) => {
        this.logger.error({ msg: 'the folder of a call could not be removed', err: error });
      });
    }
  }

  private contextOf(caller: Caller, workspace: Workspace, { mcpReq }: ServerContext): ToolContext {
    const { signal } = mcpReq;
    return {
      workspace: workspace.path,
      signal,
      open: (reference) => this.open(caller, workspace, reference),
      save: (file) => this.save(caller, file),
      progress: thinned((fraction, message) => {
        const progressToken = mcpReq._meta?.progressToken;
        if (progressToken === undefined || signal.aborted) return;
        const params = { progressToken, progress: fraction, total: 1, message };
        // Progress is a courtesy: when the call has just ended nobody waits for it.
        mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
      }),
      allowedAddresses: async () => (await this.settings.system()).gateway.httpAllowAddresses,
      queryReadOnly: (text, params, limits) => this.readOnlySql.query(text, params, limits, signal),
    };
  }

  private async open(caller: Caller, workspace: Workspace, reference: string): Promise<OpenedFile> {
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(reference))
      return workspace.open(reference);
    const { path, name, mediaType, bytes } = await this.artifacts.open(caller.ctx, reference);
    return { path, name, mediaType, bytes };
  }

  private async save(caller: Caller, file: Parameters<ToolContext['save']>[0]): Promise<SavedFile> {
    const { run } = caller;
    return this.artifacts.save(caller.ctx, {
      ...file,
      name: this.vault.redactor()(file.name), // it is in lists, events and paths
      jobId: run?.jobId ?? null,
      stepId: run?.stepId ?? null,
      traceId: run?.traceId ?? caller.ctx.traceId,
      projectId: run?.projectId ?? null,
    });
  }

  private tell(
    server: string,
    tool: BuiltinTool,
    caller: Caller,
    signal: AbortSignal,
    error: unknown,
  ): Said | string {
    if (error instanceof ToolFault || error instanceof AosError) return error.said ?? error.message;
    if (signal.aborted) return say('call-stopped');
    const traceId = caller.run?.traceId ?? caller.ctx.traceId;
    this.logger.error({
      msg: 'a built-in tool failed in a way it did not foresee',
      tool: `${server}.${tool.name}`,
      traceId,
      err: error,
    });
    return say('tool-unforeseen', { tool: `${server}.${tool.name}`, trace: traceId });
  }
}

/** At most one report per tenth of a second, and always the last one (fraction 1). */
function thinned(
  report: (fraction: number, message: string) => void,
): (fraction: number, message: string) => void {
  let lastAt = -Infinity;
  return (fraction, message) => {
    const now = performance.now();
    if (fraction < 1 && now - lastAt < PROGRESS_EVERY_MS) return;
    lastAt = now;
    report(Math.min(1, Math.max(0, fraction)), message);
  };
}
