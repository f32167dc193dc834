import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type ApprovePin as Input, type ToolPin, say } from '@aos/contracts';
import { z } from 'zod';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { Wakeups } from '../../../platform/outbox/wakeups.js';
import { escaped } from '../chain/hidden-text.js';
import { definitionHash, differencesOf } from '../chain/pins.js';
import { type Document, Proposals, type Proposed } from '../../proposals/index.js';
import { PinMoved, UnknownTool } from '../integrations.errors.js';
import { briefly, shownTool } from '../proposed-documents.js';
import { type PinRow, selectPins, toPin, waitingIn } from '../pins.queries.js';
import type { ToolDefinition } from '../upstreams/upstream.js';
import { registryChanged } from './registry-changed.js';

/** Takes the definition that waits as the one to go by, and switches the tool on again. */
export class ApprovePin extends Command<ToolPin | Proposed> {
  constructor(
    readonly ctx: Ctx,
    readonly input: Input,
  ) {
    super();
  }
}

@CommandHandler(ApprovePin)
export class ApprovePinHandler implements ICommandHandler<ApprovePin> {
  constructor(
    private readonly database: Database,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
    private readonly wakeups: Wakeups,
    private readonly proposals: Proposals,
  ) {
    proposals.appliesBy('tool.accept', {
      apply: (tx, ctx, { after, comment }) =>
        this.approve(tx, ctx, { ...Accepted.parse(after), ...(comment && { comment }) }),
    });
  }

  execute({ ctx, input }: ApprovePin): Promise<ToolPin | Proposed> {
    return this.database.transaction((tx) => this.approve(tx, ctx, input));
  }

  private async approve(tx: Tx, ctx: Ctx, input: Input): Promise<ToolPin | Proposed> {
    const before = await this.find(tx, input);
    const waiting = waitingIn(before);
    // Between the look and the click the server may have told something else.
    if (!waiting || definitionHash(waiting) !== input.hash)
      throw new PinMoved(`${input.server}.${input.tool}`);
    const after = documentOf(before, waiting);
    const pinned = before.pin_state === 'changed' ? documentOf(before, before.definition) : null;
    const proposed = await this.proposals.instead(tx, ctx, {
      ...{ kind: 'servers', action: 'tool.accept', base: null, before: pinned, after },
      target: `tool:${before.server}.${escaped(before.name)}`,
      briefly: { before: briefly(pinned), after: briefly(after) },
      ...(input.comment && { comment: input.comment }),
    });
    if (proposed) return proposed;
    await sql(
      tx,
      `UPDATE mcp_tools SET definition = $3, definition_hash = $4, pin_state = 'pinned', seen_definition = NULL,
              seen_hash = NULL, pinned_by = $5, pin_changed_at = now() WHERE server = $1 AND name = $2`,
      [before.server, before.name, JSON.stringify(waiting), input.hash, ctx.actor.name],
    );
    await this.audit.record(tx, ctx, {
      action: 'tool.approve',
      resource: `tool:${before.server}.${escaped(before.name)}`,
      diff: {
        was: before.pin_state,
        hash: input.hash,
        comment: input.comment ?? null,
        differences: differencesOf(before.definition, waiting),
        hiddenText: before.hidden_text,
      },
    });
    const name = `${before.server}.${escaped(before.name)}`;
    await this.outbox.append(tx, [
      registryChanged(
        ctx,
        before.server,
        'changed',
        say('pin-approved', { who: ctx.actor.name, tool: name }),
      ),
    ]);
    this.wakeups.afterCommit(tx, 'control');
    return toPin(await this.find(tx, input));
  }

  private async find(tx: Tx, { server, tool }: Input): Promise<PinRow> {
    // A name with hidden characters is shown, and so named, in its escaped form.
    const { rows } = await sql<PinRow>(
      tx,
      `${selectPins} WHERE t.server = $1 AND NOT t.is_gone FOR UPDATE OF t`,
      [server],
    );
    const row =
      rows.find(({ name }) => name === tool) ?? rows.find(({ name }) => escaped(name) === tool);
    if (!row) throw new UnknownTool(server, tool);
    return row;
  }
}

const documentOf = ({ server, name }: PinRow, definition: ToolDefinition): Document => {
  const { hash, name: _, ...told } = shownTool(definition);
  return { server, tool: escaped(name), hash, definition: told };
};

const Accepted = z.object({ server: z.string(), tool: z.string(), hash: z.string() });
