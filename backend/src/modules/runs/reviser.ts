import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import type { RunValues } from './orchestrator.js';
import { listed } from './findings.js';
import { validatePlan } from './plan.js';
import type { Run } from './run.js';
import type { RunStep } from './run-record.js';

const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 10_000;

/**
 * Prepares failed steps for another try. Without a model the call stays the same, and so does its
 * idempotency key: an upstream that had the effect and failed to say so can tell. With a model the
 * arguments may change; then it is another call, with another key, and needs another approval.
 */
@Injectable()
export class Reviser {
  async revise(run: Run): Promise<Partial<RunValues>> {
    const failed = [...run.record.steps.values()].filter((step) => step.state === 'failed');
    const changes = new Map<string, Record<string, unknown>>();
    for (const step of failed) {
      const args = await this.rewrite(run, step, failed);
      if (args) changes.set(step.id, args);
    }
    const tries = Math.max(...failed.map((step) => step.attempts));
    await pause(
      Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1)) * (0.5 + Math.random() / 2),
      run,
    );
    run.throwIfEnded();
    await run.record.write(async (tx) => {
      for (const step of failed) {
        const args = changes.get(step.id);
        await run.record.moveIn(tx, step, {
          state: 'pending',
          ...(args ? { args, round: step.round + 1 } : {}),
        });
      }
      await run.record.append(tx, [
        {
          type: 'recovery.start',
          severity: 'warning',
          summary: say(
            `${changes.size > 0 ? 'tries-otherwise' : 'tries-again'}${failed.length === 1 ? '' : '-many'}`,
            {
              steps: listed(failed.map((step) => step.id)),
              why: failed[0]?.errorSaid ?? (failed[0]?.error ?? '').slice(0, 300),
            },
          ),
          payload: {
            steps: failed.map((step) => ({
              stepId: step.id,
              attempts: step.attempts,
              isRevised: changes.has(step.id),
            })),
          },
        },
      ]);
    });
    for (const id of changes.keys()) run.hopeless.delete(id);
    return { next: null };
  }

  /** Other arguments, if a model has some that pass the same checks as a plan. */
  private async rewrite(
    run: Run,
    step: RunStep,
    failed: RunStep[],
  ): Promise<Record<string, unknown> | undefined> {
    const tool = run.toolOf(step);
    if (!run.model || !tool || (await run.spentCost())) return undefined;
    const answer = await run.model.revise(
      {
        goal: run.job.spec.goal,
        step: { id: step.id, tool: step.tool, args: step.args, error: step.error ?? '' },
        schema: tool.inputSchema,
      },
      run.callSignal,
    );
    if (answer.use) await run.charge(answer.use);
    if (!('value' in answer)) return undefined;
    const args = answer.value.args;
    if (JSON.stringify(args) === JSON.stringify(step.args)) return undefined;
    const steps = [...run.record.steps.values()].map((each) =>
      each.id === step.id ? { ...each, args } : each,
    );
    const faults = validatePlan(steps, [...run.tools.values()], await run.givens());
    // Steps that failed before are judged by their own revision.
    const others = new Set(
      failed.filter((each) => each.id !== step.id).map((each) => each.position),
    );
    const mine = faults.filter(
      (fault) => !others.has(Number(/^steps\.(\d+)/.exec(fault.path)?.[1])),
    );
    return mine.length === 0 ? args : undefined;
  }
}

function pause(ms: number, run: Run): Promise<void> {
  return new Promise((done) => {
    const wake = () => {
      clearTimeout(timer);
      run.lease.signal.removeEventListener('abort', wake);
      run.callSignal.removeEventListener('abort', wake);
      done();
    };
    const timer = setTimeout(wake, ms);
    run.lease.signal.addEventListener('abort', wake);
    run.callSignal.addEventListener('abort', wake);
    if (run.isEnded) wake();
  });
}
