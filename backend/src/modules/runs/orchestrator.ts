import {
  Annotation,
  Command,
  END,
  GraphRecursionError,
  START,
  StateGraph,
  interrupt,
} from '@langchain/langgraph';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type JobError, say } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { Outbox } from '../../platform/outbox/outbox.js';
import { inSpan } from '../../platform/telemetry/span.js';
import { Gateway, PoliciesUnreadable } from '../integrations/index.js';
import {
  type ClaimedJob,
  type FinalStatus,
  type JobOutcome,
  type JobRunner,
  type Lease,
  Queue,
  Runners,
} from '../jobs/index.js';
import { checkpointsOf } from './checkpoints.js';
import { Critic } from './critic.js';
import { Executor } from './executor.js';
import { LanguageModels } from './language-models.js';
import { Planner } from './planner.js';
import { Reviser } from './reviser.js';
import { Run, RunRefused, openRun } from './run.js';
import { saying } from './run-record.js';

/**
 * One run of a task, from its goal to its end, as a graph of four nodes and a place to wait.
 *
 *      START ─> planner ─> executor ─> critic ─> END
 *                  │        │   ^ ^       │
 *                  │        v   │ │       v
 *                 END   approval   └── reviser
 *                       (interrupt)
 *
 *   planner    makes the plan (or takes the one that was given), checks it as a whole, writes it down.
 *   executor   runs every step that can run, side by side up to the agent's concurrency, until nothing more
 *              can: all is over, or some steps failed, or what is left waits for a person.
 *   approval   stops here when a person has to decide. The job gives its lease up and costs nothing; the
 *              decision queues it again, and the run goes on from this checkpoint.
 *   critic     looks at what came out, with fixed checks and, where one is configured, a language model.
 *   reviser    prepares failed steps for another try: a pause, and with a model perhaps other arguments.
 *
 * Three records, each with one question to answer:
 *   the checkpoint (LangGraph's)     where in the graph is the run?
 *   job_steps                        how far is each step, and what did it answer?
 *   tool_calls (the gateway's)       which effects have been had?
 *
 * Guarantees. One process works on a job at a time (the lease), and whatever is written for it, rows, events
 * and checkpoints alike, is written in a transaction that asks whether the lease still stands. A node may
 * run again from its beginning, after a crash and on every resume, since LangGraph repeats the code before
 * an interrupt. So nodes repeat no effect: a step that is done is not run again, and a step that was under
 * way calls the gateway with the same idempotency key, `<job>:<step>:<round>`, whose ledger answers what
 * has been recorded. A call that was begun, whose outcome is unknown, and that may not be repeated is
 * nobody's to guess: the operator is asked, like for any approval.
 *
 * Failure. A lost lease, a cancel and a drain end the run where it stands; the worker does what the reason
 * asks for. Drain starts nothing new and lets calls that are under way finish: cutting them would leave
 * outcomes unknown. Anything unforeseen (the database is away) is thrown: the attempt has failed, and the
 * next one goes on from the last checkpoint. How a job ends, its receipt included, is in ending.ts.
 */
@Injectable()
export class Orchestrator implements JobRunner, OnModuleInit {
  readonly kind = 'task';

  constructor(
    private readonly database: Database,
    private readonly queue: Queue,
    private readonly outbox: Outbox,
    private readonly gateway: Gateway,
    private readonly runners: Runners,
    private readonly models: LanguageModels,
    private readonly planner: Planner,
    private readonly executor: Executor,
    private readonly critic: Critic,
    private readonly reviser: Reviser,
  ) {}

  onModuleInit(): void {
    this.runners.register(this);
  }

  async run(job: ClaimedJob, lease: Lease): Promise<JobOutcome> {
    const { database, queue, outbox, gateway, models } = this;
    let run: Run | undefined;
    try {
      run = await openRun({ database, queue, outbox, gateway, models }, job, lease);
      const ending = await this.walk(run, lease);
      if (ending === 'waiting') return await this.wait(run, lease);
      return { status: ending.status, error: ending.error };
    } catch (error) {
      if (error instanceof RunRefused) return { status: 'failed', error: error.error };
      if (error instanceof PoliciesUnreadable) return notHere(error);
      // Whatever it ended in, the worker asks the signal for the reason; only our own budget is told here.
      if (run?.isOverTime) return { status: 'failed', error: run.overTime() };
      throw error;
    } finally {
      run?.close();
    }
  }

  /** Walks the graph from where the last checkpoint stands. */
  private async walk(run: Run, lease: Lease): Promise<RunEnding | 'waiting'> {
    const graph = this.graphOf(run).compile({ checkpointer: checkpointsOf(this.database, lease) });
    const config = {
      configurable: { thread_id: run.job.id },
      // A run has as many rounds as its approvals and retries ask for; budgets end it, not this.
      recursionLimit: 10_000,
      durability: 'sync' as const,
    };
    const before = await graph.getState(config);
    const isNew = before.config.configurable?.['checkpoint_id'] === undefined;
    const isWaiting = before.tasks.some((task) => task.interrupts.length > 0);
    // Not `next`: it leaves out a node that has answered, also when the crash came before its checkpoint.
    if (!isNew && before.tasks.length === 0) return endingOf(before.values as RunValues);
    if (run.job.recovery) await run.tellRecovery(run.job.recovery);
    else await run.rememberRecovery();
    try {
      if (isWaiting) await graph.invoke(new Command({ resume: 'decided' }), config);
      else await graph.invoke(isNew ? { ending: null } : null, config);
    } catch (error) {
      if (error instanceof GraphRecursionError)
        return {
          status: 'failed',
          error: { code: 'internal', ...saying(say('run-in-circles')) },
        };
      throw error;
    }
    const after = await graph.getState(config);
    return after.next.length > 0 ? 'waiting' : endingOf(after.values as RunValues);
  }

  /** Gives the lease up, unless a decision came in between: then the job is queued again at once. */
  private async wait(run: Run, lease: Lease): Promise<JobOutcome> {
    await this.database.transaction(async (tx) => {
      await this.queue.settle(tx, lease, { status: 'waiting' });
      const { rows } = await sql(
        tx,
        `SELECT 1 FROM job_steps s
          WHERE s.job_id = $1 AND s.state = 'waiting'
            AND NOT EXISTS (SELECT 1 FROM approvals a
                             WHERE a.job_id = s.job_id AND a.step_id = s.step_id AND a.status = 'pending')
          LIMIT 1`,
        [run.job.id],
      );
      if (rows.length > 0) await this.queue.resume(tx, run.job.id);
    });
    return { status: 'settled' };
  }

  private graphOf(run: Run) {
    const node =
      (name: string, work: () => Promise<Partial<RunValues>>) => (): Promise<Partial<RunValues>> =>
        inSpan('node', name, { 'aos.job': run.job.id }, async () => {
          run.throwIfEnded();
          return work();
        });
    return new StateGraph(RunState)
      .addNode(
        'planner',
        node('planner', () => this.planner.plan(run)),
      )
      .addNode(
        'executor',
        node('executor', () => this.executor.execute(run)),
      )
      .addNode('approval', async () => {
        const pending = await run.approvals.pendingSteps();
        const waiting = [...run.record.steps.values()].filter((step) => step.state === 'waiting');
        // Decided meanwhile: no need to stop.
        if (waiting.length > 0 && waiting.every((step) => pending.has(step.id)))
          interrupt({ steps: [...pending] });
        return {};
      })
      .addNode(
        'critic',
        node('critic', () => this.critic.review(run)),
      )
      .addNode(
        'reviser',
        node('reviser', () => this.reviser.revise(run)),
      )
      .addEdge(START, 'planner')
      .addConditionalEdges('planner', ({ ending }) => (ending ? END : 'executor'), [
        'executor',
        END,
      ])
      .addConditionalEdges(
        'executor',
        ({ ending, next }) => (ending ? END : next === 'approval' ? 'approval' : 'critic'),
        ['approval', 'critic', END],
      )
      .addEdge('approval', 'executor')
      .addConditionalEdges('critic', ({ ending }) => (ending ? END : 'reviser'), ['reviser', END])
      .addEdge('reviser', 'executor');
  }
}

/** Time enough for a process that can, where there is one; and nobody's attempts are used up until there is. */
const NOT_HERE_PAUSE_MS = 15_000;

const notHere = ({ code, message, said }: PoliciesUnreadable): JobOutcome => ({
  status: 'released',
  delayMs: NOT_HERE_PAUSE_MS,
  error: { code, message, ...(said ? { said } : {}) },
});

/** How a run ends, when it is the run that ends it. */
export interface RunEnding {
  status: FinalStatus;
  error?: JobError;
}

const RunState = Annotation.Root({
  ending: Annotation<RunEnding | null>,
  next: Annotation<'approval' | 'critic' | null>,
});
export type RunValues = typeof RunState.State;

const endingOf = ({ ending }: RunValues): RunEnding =>
  ending ?? {
    status: 'failed',
    error: { code: 'internal', ...saying(say('run-without-verdict')) },
  };
