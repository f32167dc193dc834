import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type MessageAccepted,
  type SendMessage as SendMessageInput,
  type Step,
  type TaskSpec,
  say,
} from '@aos/contracts';
import { v7 as uuid } from 'uuid';
import { AuditTrail } from '../../../platform/audit/audit-trail.js';
import { Database } from '../../../platform/database/database.js';
import { type Tx, sql } from '../../../platform/database/sql.js';
import type { Ctx } from '../../../platform/http/context.js';
import { AosError } from '../../../platform/http/problem.js';
import { type EventRow, eventColumns, toAosEvent } from '../../../platform/outbox/event-row.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { JobSubmission } from '../../jobs/index.js';
import { ChatQueries } from '../chat.queries.js';

export class SendMessage extends Command<MessageAccepted> {
  constructor(
    readonly ctx: Ctx,
    readonly input: SendMessageInput,
  ) {
    super();
  }
}

/** A message is a task: the message, its conversation, its job and their first events are one transaction. */
@CommandHandler(SendMessage)
export class SendMessageHandler implements ICommandHandler<SendMessage> {
  constructor(
    private readonly database: Database,
    private readonly chat: ChatQueries,
    private readonly submission: JobSubmission,
    private readonly audit: AuditTrail,
    private readonly outbox: Outbox,
  ) {}

  async execute({ ctx, input }: SendMessage): Promise<MessageAccepted> {
    const conversation = input.conversationId
      ? await this.chat.conversation(ctx, input.conversationId)
      : undefined;
    const projectId = conversation ? (conversation.projectId ?? undefined) : input.projectId;
    if (input.projectId !== undefined && input.projectId !== projectId)
      throw new AosError('conflict', say('conversation-elsewhere'));
    const text = input.text ?? goalOf(input.steps!);
    const spec: TaskSpec = {
      goal: text,
      ...(input.steps ? { steps: input.steps } : {}),
      ...(input.inputs ? { inputs: input.inputs } : {}),
      ...(input.agentId ? { agentId: input.agentId } : {}),
      ...(projectId ? { projectId } : {}),
    };
    const conversationId = conversation?.id ?? uuid();
    const task = await this.submission.check(ctx, { spec, conversationId });
    const messageId = uuid();
    return this.database.transaction(async (tx) => {
      if (conversation)
        await sql(tx, 'UPDATE conversations SET updated_at = now() WHERE id = $1', [
          conversationId,
        ]);
      else await this.begin(tx, ctx, conversationId, text, projectId ?? null);
      const { jobId, traceId } = await this.submission.submit(tx, ctx, task);
      await sql(
        tx,
        `INSERT INTO messages (id, conversation_id, role, author, text, job_id, trace_id)
         VALUES ($1, $2, 'user', $3, $4, $5, $6)`,
        [messageId, conversationId, ctx.actor.name, text, jobId, traceId],
      );
      await this.outbox.append(tx, [
        {
          traceId,
          jobId,
          projectId: projectId ?? null,
          topic: 'chat',
          type: 'chat.message',
          summary: say('chat-wrote', {
            who: ctx.actor.name,
            text: text.length > 120 ? `${text.slice(0, 119)}…` : text,
          }),
          payload: { conversationId, messageId, role: 'user', author: ctx.actor.name, text },
          links: [
            {
              rel: 'conversation',
              href: `/console/chat/${conversationId}`,
              title: 'Open the conversation',
            },
          ],
          actor: ctx.actor.id,
        },
      ]);
      return {
        conversationId,
        messageId,
        jobId,
        traceId,
        events: await this.eventsOf(tx, traceId, jobId),
      };
    });
  }

  private async begin(
    tx: Tx,
    ctx: Ctx,
    id: string,
    text: string,
    projectId: string | null,
  ): Promise<void> {
    const title = text.split('\n', 1)[0]!.slice(0, 200);
    await sql(
      tx,
      `INSERT INTO conversations (id, title, project_id, created_by, created_by_user) VALUES ($1, $2, $3, $4, $5)`,
      [id, title, projectId, ctx.actor.name, ctx.actor.userId],
    );
    await this.audit.record(tx, ctx, {
      action: 'conversation.create',
      resource: `conversation:${id}`,
      diff: { after: { title } },
      projectId,
    });
  }

  /** As they are stored: the relay has not given them their `seq` yet. */
  private async eventsOf(
    tx: Tx,
    traceId: string,
    jobId: string,
  ): Promise<MessageAccepted['events']> {
    const { rows } = await sql<EventRow>(
      tx,
      `SELECT ${eventColumns} FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.trace_id = $1 AND e.job_id = $2 ORDER BY e.id`,
      [traceId, jobId],
    );
    return rows.map((row) => {
      const { seq: _, ...event } = toAosEvent(row);
      return event;
    });
  }
}

function goalOf(steps: readonly Step[]): string {
  const tools = steps.map((step) => step.tool);
  const shown = tools.slice(0, 5).join(', ');
  return `Run ${steps.length} ${steps.length === 1 ? 'step' : 'steps'}: ${shown}${tools.length > 5 ? '…' : ''}`;
}
