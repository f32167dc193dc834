import { Injectable } from '@nestjs/common';
import type { FieldFault, TaskSpec } from '@aos/contracts';
import type { Ctx } from '../../platform/http/context.js';

/** Something wrong with a task as it was asked for. `path` points into the spec: `steps.2.needs.0`. */
export type SubmissionFault = FieldFault;

/** Called outside any transaction (it may ask the gateway for its tools). Answers every fault, not the first. */
export type SubmissionCheck = (ctx: Ctx, spec: TaskSpec) => Promise<SubmissionFault[]>;

/**
 * What must hold before a task is accepted, said by modules that this one does not know: the module that
 * runs tasks registers the validation of plans here. All faults of all checks go into one answer.
 */
@Injectable()
export class SubmissionChecks {
  private readonly checks: SubmissionCheck[] = [];

  register(check: SubmissionCheck): void {
    this.checks.push(check);
  }

  async faults(ctx: Ctx, spec: TaskSpec): Promise<SubmissionFault[]> {
    const all = await Promise.all(this.checks.map((check) => check(ctx, spec)));
    return all.flat();
  }
}
