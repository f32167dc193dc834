import { Injectable } from '@nestjs/common';
import type { BlueprintContent, FieldFault } from '@aos/contracts';
import type { Ctx } from '../../platform/http/context.js';
import { JobSubmission, SubmissionChecks } from '../jobs/index.js';
import { formFaults, isAbsence } from './blueprint.js';
import { BlueprintFaulty } from './blueprints.errors.js';

/** Stands for the file of an input, which only a run is given. */
const SOME_FILE = '00000000-0000-4000-8000-000000000000';

/** Blueprints are checked by what checks tasks, as the task that a run of them with all inputs would be. */
@Injectable()
export class BlueprintChecks {
  constructor(
    private readonly checks: SubmissionChecks,
    private readonly submission: JobSubmission,
  ) {}

  /**
   * What is not there today that its steps name. Asks the gateway for its tools, so not inside a transaction.
   *
   * @throws BlueprintFaulty for whatever else is wrong, with all that is.
   */
  async require(ctx: Ctx, projectId: string, content: BlueprintContent): Promise<FieldFault[]> {
    const form = formFaults(content);
    const faults = [...form, ...(await this.faults(ctx, projectId, content))];
    if (!faults.every(isAbsence)) throw new BlueprintFaulty(faults);
    return faults;
  }

  /** Why a run would be refused as things stand. */
  async faults(ctx: Ctx, projectId: string, content: BlueprintContent): Promise<FieldFault[]> {
    const { name, inputs, env, steps } = content;
    const task = {
      goal: name,
      projectId,
      steps,
      env,
      inputs: inputs.map((input) => ({ name: input.name, artifactId: SOME_FILE })),
    };
    const [secrets, plan] = await Promise.all([
      this.submission.secretFaults(env, projectId),
      this.checks.faults(ctx, task),
    ]);
    return [...secrets, ...plan];
  }
}
