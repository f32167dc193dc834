import { Injectable } from '@nestjs/common';
import { type JobError, inEnglish, oneByOne, say } from '@aos/contracts';
import { failureEvent } from './executor.js';
import { findingsIn, listed } from './findings.js';
import type { RunValues } from './orchestrator.js';
import type { Run } from './run.js';
import { type RunStep, reasonOf, saying } from './run-record.js';

/**
 * Looks at what a pass of the executor came to. Fixed checks decide: a failed step is tried again while its
 * retries last, and ends the run when they are used up. A model, where there is one, reads the results
 * against the goal; its opinion is told, and never undoes an effect or repeats one.
 */
@Injectable()
export class Critic {
  async review(run: Run): Promise<Partial<RunValues>> {
    const steps = [...run.record.steps.values()];
    const failed = steps.filter((step) => step.state === 'failed');
    const lost = failed.find((step) => !mayTryAgain(run, step));
    const empty = await this.emptyResults(run, steps);
    const findings = [
      ...failed.map((step) =>
        say('finding-failed', { step: step.id, why: reasonOf(errorOf(step)) }),
      ),
      ...empty.map((step) => say('finding-empty', { step })),
    ];
    const done = steps.filter((step) => step.state === 'done').length;
    const verdict = lost ? 'failed' : failed.length > 0 ? 'revise' : 'accepted';
    const opinion = verdict === 'accepted' ? await this.askModel(run) : undefined;
    if (opinion && !opinion.isGoalMet)
      findings.push(say('finding-doubted', { comment: opinion.comment }));
    await run.record.tell(
      {
        type: 'run.review',
        severity: verdict === 'accepted' ? 'info' : 'warning',
        summary:
          verdict === 'accepted'
            ? findings.length > 0
              ? say('steps-reviewed-but', {
                  done,
                  total: steps.length,
                  findings: oneByOne(findings, findings.length),
                })
              : say('steps-reviewed', { done, total: steps.length })
            : say(lost ? 'review-ends' : 'review-tries-again', {
                steps: listed(failed.map((step) => step.id)),
              }),
        payload: {
          verdict,
          findings: findings.map((each) => inEnglish(each)),
          opinion: opinion ?? null,
        },
      },
      ...(opinion && !opinion.isGoalMet
        ? [
            {
              type: 'anomaly.detected' as const,
              severity: 'warning' as const,
              summary: say('goal-doubted', { comment: opinion.comment.slice(0, 500) }),
              payload: { code: 'goal_doubted', comment: opinion.comment },
            },
          ]
        : []),
      ...(lost ? [failureEvent(lost, errorOf(lost), triesOf(lost))] : []),
    );
    if (lost) return { ending: { status: 'failed', error: errorOf(lost) } };
    if (verdict === 'accepted') return { ending: { status: 'succeeded' } };
    return {};
  }

  private async emptyResults(run: Run, steps: RunStep[]): Promise<string[]> {
    const results = await run.record.results(
      steps.filter((step) => step.state === 'done').map((step) => step.id),
    );
    return Object.entries(results)
      .filter(([, result]) => isEmpty(result))
      .map(([id]) => id);
  }

  private async askModel(run: Run): Promise<{ isGoalMet: boolean; comment: string } | undefined> {
    if (!run.model) return undefined;
    const steps = [...run.record.steps.values()];
    const results = await run.record.results(steps.map((step) => step.id));
    const answer = await run.model.critique(
      {
        goal: run.job.spec.goal,
        steps: steps.map((step) => ({
          id: step.id,
          tool: step.tool,
          state: step.state,
          error: step.error,
          files: findingsIn(results[step.id]).files.map((file) => file.name),
          result: excerpt(results[step.id]),
        })),
      },
      run.callSignal,
    );
    if (answer.use) await run.charge(answer.use);
    return 'value' in answer ? answer.value : undefined;
  }
}

const MAX_EXCERPT = 2_000;
const excerpt = (result: unknown): string => (JSON.stringify(result) ?? '').slice(0, MAX_EXCERPT);

function mayTryAgain(run: Run, step: RunStep): boolean {
  if (step.onError !== 'revise' || step.attempts > step.retries) return false;
  // What cannot come right by itself may still do so with other arguments.
  return !run.hopeless.has(step.id) || run.model !== undefined;
}

const errorOf = ({ id: stepId, error, errorSaid }: RunStep): JobError => ({
  code: 'step_failed',
  stepId,
  ...(error === null ? saying(say('no-reason')) : { message: error }),
  ...(errorSaid ? { said: errorSaid } : {}),
});

const triesOf = (step: RunStep) =>
  step.attempts > 1 ? say('then-tried', { count: step.attempts }) : say('then-hopeless');

function isEmpty(result: unknown): boolean {
  if (result === null || result === undefined || result === '') return true;
  if (typeof result !== 'object') return false;
  return Object.values(result).every((value) => value === '' || value === null);
}
