import { Injectable } from '@nestjs/common';
import { type JobError, type Said, oneByOne, say } from '@aos/contracts';
import { AosError } from '../../platform/http/problem.js';
import {
  Gateway,
  type GatewayCall,
  type GatewayResult,
  OpenCall,
  type RunOfCall,
  whomOf,
  PoliciesUnreadable,
} from '../integrations/index.js';
import { type JobRow, LeaseEnded, Queue } from '../jobs/index.js';
import type { Question } from './approval-requests.js';
import { checkAgainstSchema } from './args-schema.js';
import { type Findings, findingsIn } from './findings.js';
import type { RunEnding, RunValues } from './orchestrator.js';
import { referredSteps } from './plan.js';
import { UnresolvedReference, findReferences, resolveReferences } from './references.js';
import type { Run } from './run.js';
import {
  type RunEvent,
  type RunStep,
  abortedBy,
  downloadLink,
  episodeLink,
  failing,
  reasonOf,
  saying,
  storable,
  whole,
} from './run-record.js';

/** Plans of up to this many steps report each step; longer ones every tenth of the way. */
const TELL_EACH_STEP_UP_TO = 12;
/** More faults of one call than this help nobody. */
const MOST_FAULTS = 10;
const MOST_ERROR_CHARS = 2000;

/** Runs every step that can run until nothing more can. See orchestrator.ts for where it stands. */
@Injectable()
export class Executor {
  constructor(
    private readonly gateway: Gateway,
    private readonly queue: Queue,
  ) {}

  async execute(run: Run): Promise<Partial<RunValues>> {
    const round = new Round(run, this.gateway, this.queue);
    await round.begin();
    try {
      await round.go();
    } catch (error) {
      await round.abandon();
      throw error;
    }
    if (round.ending) return { ending: round.ending };
    const isWaiting = [...run.record.steps.values()].some((step) => step.state === 'waiting');
    const hasFailed = [...run.record.steps.values()].some((step) => step.state === 'failed');
    // What can be mended is mended before anybody is kept waiting.
    return { next: isWaiting && !hasFailed ? 'approval' : 'critic' };
  }
}

type Approval = NonNullable<RunOfCall['approved']>;

/** One pass of the executor. */
class Round {
  ending: RunEnding | null = null;
  private readonly active = new Map<string, Promise<void>>();
  /** Steps that this pass has asked about: what is undecided now is looked at again in the next pass. */
  private readonly asked = new Set<string>();
  private readonly broken: { error: unknown }[] = [];

  constructor(
    private readonly run: Run,
    private readonly gateway: Gateway,
    private readonly queue: Queue,
  ) {}

  async begin(): Promise<void> {
    const { record } = this.run;
    await record.load();
    // Left by an attempt that broke off: the ledger knows how far the call came.
    for (const step of record.steps.values())
      if (step.state === 'running') await record.move(step, { state: 'pending' });
    const { done, total } = record.progress;
    if (done < total)
      await record.tell({
        type: 'run.exec',
        summary: say('steps-begin', { count: total - done, total, atOnce: this.run.concurrency }),
        payload: { done, total, concurrency: this.run.concurrency },
      });
  }

  async go(): Promise<void> {
    for (;;) {
      this.throwBroken();
      await this.skipTheImpossible();
      for (const step of this.ready()) this.start(step);
      if (this.active.size === 0) break;
      await Promise.race(this.active.values());
      await this.noticeDecisions();
    }
    this.throwBroken();
    // A drain, a cancel: nothing new was begun, and what was under way has ended.
    this.run.throwIfEnded();
  }

  /** A decision that comes while other steps are under way need not wait for them all. */
  private async noticeDecisions(): Promise<void> {
    if (this.asked.size === 0 || this.active.size === 0) return;
    const pending = await this.run.approvals.pendingSteps();
    for (const id of this.asked) if (!pending.has(id)) this.asked.delete(id);
  }

  /** Waits for what is under way; it has been told to stop, or is to be thrown away with the attempt. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.active.values());
  }

  private throwBroken(): void {
    const first = this.broken[0];
    if (first) throw first.error;
  }

  private ready(): RunStep[] {
    if (this.ending || this.run.isEnded || this.broken.length > 0) return [];
    const { steps } = this.run.record;
    const free = this.run.concurrency - this.active.size;
    return [...steps.values()]
      .filter(
        (step) =>
          (step.state === 'pending' || (step.state === 'waiting' && !this.asked.has(step.id))) &&
          !this.active.has(step.id) &&
          step.needs.every((need) =>
            ['done', 'skipped'].includes(steps.get(need)?.state ?? 'done'),
          ),
      )
      .slice(0, Math.max(0, free));
  }

  private start(step: RunStep): void {
    const work = this.step(step)
      .catch((error: unknown) => {
        this.broken.push({ error });
      })
      .finally(() => this.active.delete(step.id));
    this.active.set(step.id, work);
  }

  /** A step whose result another step refers to and will never have cannot run; one that only waited can. */
  private async skipTheImpossible(): Promise<void> {
    const { record } = this.run;
    for (let hasChanged = true; hasChanged;) {
      hasChanged = false;
      for (const step of record.steps.values()) {
        if (step.state !== 'pending') continue;
        const missing = [...referredSteps(step.args)].find(
          (id) => record.steps.get(id)?.state === 'skipped',
        );
        if (missing === undefined) continue;
        await record.move(
          step,
          { state: 'skipped', ...failing(saying(say('step-needs-skipped', { missing }))) },
          [stepEvent(step, 'skipped', say('step-skipped-for-need', { step: step.id, missing }))],
        );
        hasChanged = true;
      }
    }
  }

  private async step(step: RunStep): Promise<void> {
    const { run } = this;
    const tool = run.toolOf(step);
    if (!tool)
      return this.fail(
        step,
        { code: 'unknown_tool', ...saying(say('unknown-tool-now', { tool: step.tool })) },
        false,
      );
    let args: Record<string, unknown>;
    try {
      args = resolveReferences(step.args, await run.valuesFor(step.args));
    } catch (error) {
      if (!(error instanceof UnresolvedReference)) throw error;
      return this.fail(step, { code: 'reference_unresolved', ...saying(error.said) }, false);
    }
    // Before anybody is asked to approve it. Secrets are not known here; the gateway checks again with them.
    const secrets = findReferences(args).found.map(({ path }) => path);
    const faults = checkAgainstSchema(tool.inputSchema, args, secrets);
    if (faults.length > 0) {
      const list = oneByOne(
        faults.map(({ path, said }) =>
          path === '' ? said : say('at-argument', { path: path.slice(1), what: said }),
        ),
        MOST_FAULTS,
      );
      return this.fail(
        step,
        {
          code: 'tool_args_invalid',
          ...saying(say('args-misfit', { tool: step.tool, faults: list })),
        },
        false,
      );
    }
    let approval: Approval | undefined;
    const isRequired = step.approval === 'required';
    const decision = await this.gateway.decide(run.ctx, this.callOf(step, args, 'ask'));
    if (isRequired || decision.effect === 'approve') {
      // Who has to decide is the policies' to say, also where it is the plan that asks.
      const { approvers } = decision;
      const about = { step: step.id, tool: step.tool };
      const reason = approvers
        ? say('step-asks-of', { ...about, whom: whomOf(approvers) })
        : say(isRequired ? 'step-asks' : 'step-asks-by-policy', about);
      const granted = await this.approved({ step, tool, args, kind: 'policy', reason, approvers });
      if (!granted) return;
      args = granted;
      approval = { approvers };
    }
    const spent = (await run.spentCost()) ?? run.spentSteps();
    if (spent) return this.stop({ status: 'failed', error: spent });
    if (run.isEnded || this.ending) return;
    step.attempts += 1; // at once: steps side by side must count each other
    await run.record.move(step, { state: 'running', error: null }, [
      stepEvent(step, 'running', say('step-calls', { step: step.id, tool: step.tool })),
    ]);
    await this.call(step, args, 'ask', approval);
  }

  private callOf(
    step: RunStep,
    args: Record<string, unknown>,
    onOpenCall: 'ask' | 'call-again',
    approved?: Approval,
  ): GatewayCall {
    const { run } = this;
    const { job, lease } = run;
    const [server, ...rest] = step.tool.split('.');
    return {
      server: server!,
      tool: rest.join('.'),
      args,
      idempotencyKey: `${job.id}:${step.id}:${step.round}`,
      signal: run.callSignal,
      env: run.env,
      capability: run.capability,
      run: {
        jobId: job.id,
        traceId: job.traceId,
        stepId: step.id,
        projectId: job.projectId,
        createdAt: job.createdAt,
        attempt: step.attempts,
        fence: lease.fence,
        guard: (tx) => this.queue.assertLease(tx, lease),
        onOpenCall,
        ...(approved ? { approved } : {}),
      },
    };
  }

  private async call(
    step: RunStep,
    args: Record<string, unknown>,
    onOpenCall: 'ask' | 'call-again',
    approved: Approval | undefined,
  ): Promise<void> {
    const { run } = this;
    let result: GatewayResult;
    try {
      result = await this.gateway.call(run.ctx, this.callOf(step, args, onOpenCall, approved));
    } catch (error) {
      if (error instanceof OpenCall) return this.askAboutOpenCall(step, args, error);
      if (error instanceof LeaseEnded || error instanceof PoliciesUnreadable) throw error;
      if (run.callSignal.aborted) throw run.callSignal.reason;
      if (!(error instanceof AosError)) throw error;
      return this.fail(
        step,
        { code: error.code, message: error.message, ...(error.said ? { said: error.said } : {}) },
        retryableCodes.has(error.code),
      );
    }
    if (run.callSignal.aborted && result.isError) throw run.callSignal.reason;
    if (result.isError) {
      return this.fail(step, { code: 'tool_failed', ...toldOf(result) }, true);
    }
    await this.succeed(step, result.structuredContent ?? { text: textOf(result) });
  }

  private async askAboutOpenCall(
    step: RunStep,
    args: Record<string, unknown>,
    open: OpenCall,
  ): Promise<void> {
    const tool = this.run.toolOf(step)!;
    // It would have its effect a second time: that takes the same people as the first.
    const { approvers } = await this.gateway.decide(
      this.run.ctx,
      this.callOf(step, args, 'call-again'),
    );
    const granted = await this.approved({
      ...{ step, tool, args, kind: 'open-call', approvers },
      reason: say('open-call-asks', { step: step.id, tool: step.tool }),
      about: `${open.callId} ${open.startedAt.toISOString()}`,
    });
    // Whoever lets it be made once more has approved it, too.
    if (granted) await this.call(step, args, 'call-again', { approvers });
  }

  /** The arguments to call with; undefined when the step does not go on now. */
  private async approved(question: Question): Promise<Record<string, unknown> | undefined> {
    const { step } = question;
    this.asked.add(step.id);
    const verdict = await this.run.approvals.ask(question);
    switch (verdict.kind) {
      case 'granted':
        return verdict.args;
      case 'waiting':
        if (step.state !== 'waiting') await this.run.record.move(step, { state: 'waiting' });
        return undefined;
      case 'degraded': {
        const why = verdict.comment
          ? say('without-it-because', { who: verdict.by, comment: verdict.comment })
          : say('without-it', { who: verdict.by });
        await this.run.record.move(step, { state: 'skipped', ...failing(saying(why)) }, [
          stepEvent(step, 'skipped', say('step-skipped-by', { step: step.id, why })),
        ]);
        return undefined;
      }
      case 'aborted':
        return this.stop({
          status: 'cancelled',
          error: {
            code: 'aborted',
            stepId: step.id,
            ...saying(abortedBy(verdict.by, verdict.comment)),
          },
        });
      case 'expired':
        return this.stop({
          status: 'failed',
          error: {
            code: 'approval_expired',
            stepId: step.id,
            ...saying(say('nobody-decided')),
          },
        });
    }
  }

  private stop(ending: RunEnding): undefined {
    this.ending ??= ending;
  }

  private async succeed(step: RunStep, raw: Record<string, unknown>): Promise<void> {
    const { record } = this.run;
    const result = storable(raw) as Record<string, unknown>;
    const findings = findingsIn(result);
    await record.write(async (tx) => {
      // Counted in this step's turn: another one may have ended a moment before.
      const others = [...record.steps.values()].filter((each) => each.id !== step.id);
      const done = others.filter(({ state }) => state === 'done' || state === 'skipped').length + 1;
      const hasRecovered = step.attempts > 1 || this.run.isRecovering;
      this.run.isRecovering = false;
      const events = eventsOfSuccess(record.job, step, findings, {
        done,
        total: others.length + 1,
        hasRecovered,
      });
      await record.moveIn(tx, step, { state: 'done', result, error: null }, events);
    });
  }

  private async fail(step: RunStep, error: JobError, mayTryAgain: boolean): Promise<void> {
    const { record } = this.run;
    if (!mayTryAgain) this.run.hopeless.add(step.id);
    // A step that failed before its call counts as tried, too: it must not be revised for ever.
    const attempts = step.state === 'running' ? step.attempts : step.attempts + 1;
    if (step.onError === 'skip') {
      const why = saying(say('failed-because', { why: reasonOf(error) }));
      await record.move(step, { state: 'skipped', attempts, ...failing(why) }, [
        stepEvent(
          step,
          'skipped',
          say('step-skipped-by-plan', { step: step.id, why: reasonOf(error) }),
        ),
        failureEvent(step, error, say('then-skipped')),
      ]);
      return;
    }
    const isFinal = step.onError === 'abort';
    await record.move(step, { state: 'failed', attempts, ...failing(error) }, [
      stepEvent(step, 'failed', say('step-failed', { step: step.id, why: reasonOf(error) }), {
        code: error.code,
      }),
      ...(isFinal ? [failureEvent(step, error, say('then-stops'))] : []),
    ]);
    if (isFinal) this.stop({ status: 'failed', error: { ...error, stepId: step.id } });
  }
}

/** Failures that another try may not have. Everything else stays as it is until something is changed. */
const retryableCodes = new Set([
  'tool_failed',
  'tool_timeout',
  'server_unreachable',
  'unavailable',
  'too_many_requests',
  'circuit_open',
  // The rules were changed between the look at them and the call: the next try asks.
  'approval_required',
]);

export const failureEvent = (step: RunStep, error: JobError, then: Said): RunEvent => ({
  type: 'anomaly.detected',
  severity: 'error',
  summary: [
    say('step-broke', {
      step: step.id,
      tool: step.tool,
      why: whole({ ...error, message: error.said ? error.message : error.message.slice(0, 500) }),
    }),
    then,
  ],
  payload: { ...error, stepId: step.id, tool: step.tool, attempts: step.attempts },
});

const stepEvent = (
  step: RunStep,
  state: RunStep['state'],
  summary: Said,
  more: Record<string, unknown> = {},
): RunEvent => ({
  type: 'run.step',
  severity: state === 'failed' ? 'warning' : 'info',
  summary,
  payload: { stepId: step.id, tool: step.tool, state, attempts: step.attempts, ...more },
});

function eventsOfSuccess(
  job: JobRow,
  step: RunStep,
  { files, said, rejected }: Findings,
  { done, total, hasRecovered }: { done: number; total: number; hasRecovered: boolean },
): RunEvent[] {
  const events = [
    stepEvent(step, 'done', say('step-done', { step: step.id, tool: step.tool }), { files }),
  ];
  if (hasRecovered)
    events.push({
      type: 'recovery.done',
      severity: 'success',
      summary:
        step.attempts > 1
          ? say('run-recovered-at-try', { step: step.id, try: step.attempts })
          : say('run-recovered', { step: step.id }),
      payload: { stepId: step.id, attempts: step.attempts },
    });
  if (isMilestone(done, total))
    events.push({
      type: 'task.progress.milestone',
      summary: say('milestone', {
        done,
        total,
        step: step.id,
        what: said ?? say('has-answered', { tool: step.tool }),
      }),
      payload: { stepId: step.id, tool: step.tool, done, total, artifacts: files },
      links: [
        episodeLink(job),
        ...files.slice(0, 5).map((file) => downloadLink(file.artifactId, file.name)),
      ],
    });
  if (rejected)
    events.push({
      type: 'anomaly.detected',
      severity: 'warning',
      summary:
        rejected.count === 1
          ? say('rows-rejected-one', { step: step.id })
          : say('rows-rejected', { count: rejected.count, step: step.id }),
      payload: { code: 'rows_rejected', stepId: step.id, ...rejected },
      links: [
        ...(rejected.artifactId
          ? [downloadLink(rejected.artifactId, rejected.name ?? 'the rows left out')]
          : []),
        episodeLink(job),
      ],
    });
  return events;
}

function isMilestone(done: number, total: number): boolean {
  if (total <= TELL_EACH_STEP_UP_TO || done === total) return true;
  return Math.floor((done * 10) / total) > Math.floor(((done - 1) * 10) / total);
}

/** What a tool answered when it failed; the code only goes with the whole of it. */
function toldOf(result: GatewayResult): Pick<JobError, 'message' | 'said'> {
  const text = textOf(result);
  if (text === '') return saying(say('tool-failed-silently'));
  const isWhole = text.length <= MOST_ERROR_CHARS;
  return {
    message: text.slice(0, MOST_ERROR_CHARS),
    ...(result.said && isWhole ? { said: result.said } : {}),
  };
}

function textOf(result: GatewayResult): string {
  return result.content
    .map((part) =>
      part['type'] === 'text' && typeof part['text'] === 'string' ? part['text'] : '',
    )
    .filter(Boolean)
    .join('\n');
}
