import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type Said, say } from '@aos/contracts';
import { v7 as uuid } from 'uuid';
import { type Tx, sql } from '../../../platform/database/sql.js';
import { Outbox } from '../../../platform/outbox/outbox.js';
import { JobEndings, type JobRow } from '../../jobs/index.js';

/** The receipt's sentence becomes the answer in the conversation, in the transaction that ends the job. */
@Injectable()
export class AnswerWhenTaskEnded implements OnModuleInit {
  constructor(
    private readonly endings: JobEndings,
    private readonly outbox: Outbox,
  ) {}

  /** After the module that runs tasks (this one imports it): its hook has written the receipt. */
  onModuleInit(): void {
    this.endings.register('task', (tx, job) => this.answer(tx, job));
  }

  private async answer(tx: Tx, job: JobRow): Promise<void> {
    if (job.conversationId === null) return;
    const { rows: receipts } = await sql<{ summary: string; said: Said[] | null }>(
      tx,
      `SELECT e.summary, coalesce(p.payload, e.payload)->'said' AS said
         FROM events e LEFT JOIN event_payloads p ON p.id = e.payload_ref
        WHERE e.trace_id = $1 AND e.job_id = $2 AND e.type = 'task.receipt' LIMIT 1`,
      [job.traceId, job.id],
    );
    const receipt = receipts[0];
    if (!receipt) return;
    const { summary: text, said } = receipt;
    const { rows: agents } = await sql<{ name: string }>(
      tx,
      'SELECT name FROM agents WHERE id = $1',
      [job.agentId],
    );
    const author = agents[0]?.name ?? 'AOS';
    const messageId = uuid();
    // A rerun of a task whose conversation is gone has nobody to answer.
    const { count } = await sql(
      tx,
      `INSERT INTO messages (id, conversation_id, role, author, text, said, job_id, trace_id)
       SELECT $1, id, 'assistant', $3, $4, $7, $5, $6 FROM conversations WHERE id = $2`,
      [
        messageId,
        job.conversationId,
        author,
        text,
        job.id,
        job.traceId,
        said && JSON.stringify(said),
      ],
    );
    if (count === 0) return;
    await sql(tx, 'UPDATE conversations SET updated_at = now() WHERE id = $1', [
      job.conversationId,
    ]);
    await this.outbox.append(tx, [
      {
        traceId: job.traceId,
        jobId: job.id,
        projectId: job.projectId,
        topic: 'chat',
        type: 'chat.message',
        summary: say('chat-answered', { who: author }),
        payload: { conversationId: job.conversationId, messageId, role: 'assistant', author, text },
        links: [
          {
            rel: 'conversation',
            href: `/console/chat/${job.conversationId}`,
            title: 'Open the conversation',
          },
        ],
        actor: job.agentId ? `agent:${job.agentId}` : 'system',
      },
    ]);
  }
}
