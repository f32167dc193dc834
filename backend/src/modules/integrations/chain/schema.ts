import { Injectable } from '@nestjs/common';
import { type Said, inEnglish, say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import { lossesIn } from '../../../platform/http/unstorable.js';
import { Vault } from '../../config/index.js';
import type { GatewayCall } from '../call.js';
import { SecretNotGranted, ToolArgsInvalid } from '../integrations.errors.js';
import type { KnownTool } from '../registry.js';
import { type CallEnd, Ledger } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';
import { resolveSecrets, secretNames } from './secret-references.js';
import { type SchemaFault, ToolSchemas } from './tool-schema.js';

const MAX_DEPTH = 64;

/**
 * The arguments against the kept schema; every fault is listed. `${secret.NAME}` must be among the names that
 * the caller was given; the values are looked up here (and each look is audited). From here on two copies of
 * the arguments exist, and only the one with references is stored.
 */
@Injectable()
export class SchemaLink implements Link {
  readonly name = 'schema';

  constructor(
    private readonly schemas: ToolSchemas,
    private readonly vault: Vault,
    private readonly ledger: Ledger,
  ) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { ctx, call } = passage;
    const { tool } = passage.target;
    const names = requireGranted(call);
    requireShape(tool, call.args);
    if (names.length === 0) {
      this.requireFit(tool, call.args);
      return next();
    }
    // A recorded end needs no secret, and a look at one is audited.
    if (await this.ledger.hasRecorded(call)) return next();
    passage.secrets = await this.reveal(ctx, call, passage.projectId, names);
    this.requireFit(tool, resolveSecrets(call.args, passage.secrets));
    return next();
  }

  preview({ call, target }: Passage): Foresight {
    const names = requireGranted(call);
    requireShape(target.tool, call.args);
    this.requireFit(target.tool, call.args);
    return {
      verdict: 'pass',
      says:
        names.length > 0
          ? say('link-fits-secrets', { secrets: names.join(', ') })
          : say('link-fits'),
    };
  }

  /** Every fault of arguments against the tool's schema; a schema that is none is a fault at the whole. */
  faults(tool: Pick<KnownTool, 'tool' | 'inputSchema'>, args: unknown): SchemaFault[] {
    try {
      return this.schemas.faults(tool.inputSchema, args);
    } catch (error) {
      return [
        wholly(say('schema-of-unusable', { tool: tool.tool, why: (error as Error).message })),
      ];
    }
  }

  private requireFit(tool: KnownTool, args: Record<string, unknown>): void {
    const faults = this.faults(tool, args);
    if (faults.length > 0) throw new ToolArgsInvalid(tool.tool, faults);
  }

  private async reveal(
    ctx: Ctx,
    { server, tool }: GatewayCall,
    projectId: string | null,
    names: string[],
  ): Promise<Map<string, string>> {
    const secrets = new Map<string, string>();
    for (const name of names)
      secrets.set(name, await this.vault.reveal(ctx, name, projectId, `tool:${server}.${tool}`));
    return secrets;
  }
}

function requireGranted(call: GatewayCall): string[] {
  const names = secretNames(call.args);
  const missing = names.filter((name) => !call.env?.includes(name));
  if (missing.length > 0) throw new SecretNotGranted(missing);
  return names;
}

function requireShape(tool: KnownTool, args: Record<string, unknown>): void {
  if (isDeeperThan(args, MAX_DEPTH))
    throw new ToolArgsInvalid(tool.tool, [wholly(say('nested-deep', { most: MAX_DEPTH }))]);
  const faults = lossesIn(args);
  if (faults.length > 0) throw new ToolArgsInvalid(tool.tool, faults);
}

/** A fault of the whole. */
const wholly = (said: Said): SchemaFault => ({ path: '', message: inEnglish(said), said });
