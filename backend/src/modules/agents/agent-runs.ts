import { Injectable, type OnModuleInit } from '@nestjs/common';
import { say } from '@aos/contracts';
import { type Tx, sql } from '../../platform/database/sql.js';
import { Database } from '../../platform/database/database.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { JobEndings, SubmissionChecks } from '../jobs/index.js';
import { type AgentStatus, nextStatus } from './agent.js';
import { AgentNotRunning } from './agents.errors.js';
import { AgentsRepository } from './agents.repository.js';

export interface RunOfAgent {
  agentId: string;
  traceId: string;
}

/**
 * The runs of agents: which there were, and what the end of one means for its agent. The end of every task is
 * heard in the transaction that ends it, whoever ends it; so an agent that drains is stopped by its last run,
 * and by nothing else.
 */
@Injectable()
export class AgentRuns implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly agents: AgentsRepository,
    private readonly outbox: Outbox,
    private readonly endings: JobEndings,
    private readonly checks: SubmissionChecks,
  ) {}

  onModuleInit(): void {
    this.checks.register(async (_ctx, spec) => {
      if (spec.agentId !== undefined) await this.requireRunning(spec.agentId);
      return [];
    });
    this.endings.register('task', async (tx, job, ending) => {
      if (job.agentId === null) return;
      await this.finished(tx, { agentId: job.agentId, traceId: job.traceId }, ending.status, {
        activeMs: ending.activeMs,
        attempts: job.attempts,
      });
    });
  }

  /** A repeat, after a crash, changes nothing. */
  async started(tx: Tx, { agentId, traceId }: RunOfAgent): Promise<void> {
    await sql(
      tx,
      `INSERT INTO agent_runs (agent_id, trace_id, status, started_at) VALUES ($1, $2, 'running', now())
       ON CONFLICT (agent_id, trace_id) DO NOTHING`,
      [agentId, traceId],
    );
  }

  async finished(
    tx: Tx,
    { agentId, traceId }: RunOfAgent,
    status: string,
    stats: Record<string, unknown> = {},
  ): Promise<void> {
    await sql(
      tx,
      `INSERT INTO agent_runs (agent_id, trace_id, status, stats, started_at, finished_at)
       SELECT $1, $2, $3, $4, started_at, now() FROM jobs WHERE trace_id = $2
       ON CONFLICT (agent_id, trace_id) DO UPDATE SET status = EXCLUDED.status, stats = EXCLUDED.stats, finished_at = now()`,
      [agentId, traceId, status, JSON.stringify(stats)],
    );
    await this.stopWhenDrained(tx, agentId, traceId);
  }

  /** @throws AgentNotRunning */
  async requireRunning(idOrName: string): Promise<void> {
    const [agent] = await this.database.query<{ id: string; name: string; status: AgentStatus }>(
      'SELECT id, name, status FROM agents WHERE deleted_at IS NULL AND (id::text = $1 OR name = $1)',
      [idOrName],
    );
    // That there is no such agent is told by who looks it up.
    if (agent && agent.status !== 'running')
      throw new AgentNotRunning(String(agent.id), agent.name, agent.status);
  }

  async stopWhenDrained(tx: Tx, agentId: string, traceId: string): Promise<void> {
    const { rows } = await sql<{ name: string; status: AgentStatus }>(
      tx,
      'SELECT name, status FROM agents WHERE id = $1 FOR UPDATE',
      [agentId],
    );
    const agent = rows[0];
    if (agent?.status !== 'draining' || (await this.agents.tasksUnderWay(tx, agentId)) > 0) return;
    const status = nextStatus(agent.name, agent.status, 'drained');
    if (!status) return;
    await this.agents.setStatus(tx, agentId, status);
    await this.outbox.append(tx, [
      {
        traceId,
        topic: 'agent',
        type: 'agent.changed',
        summary: say('agent-drained', { agent: agent.name }),
        payload: { agentId, status },
      },
    ]);
  }
}
