import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type BlueprintContent,
  type RunAccepted,
  type RunBlueprint as RunBlueprintInput,
  say,
} from '@aos/contracts';
import { Database } from '../../../platform/database/database.js';
import type { Ctx } from '../../../platform/http/context.js';
import { faultAt } from '../../../platform/http/problem.js';
import { JobSubmission } from '../../jobs/index.js';
import { inputFaults, stepsWith } from '../blueprint.js';
import { InputsRefused } from '../blueprints.errors.js';
import { BlueprintsRepository, requireRead } from '../blueprints.repository.js';

/** Gives the task that a blueprint describes: the same as POST /api/run with its steps, by the same checks. */
export class RunBlueprint extends Command<RunAccepted> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly idOrName: string,
    readonly input: RunBlueprintInput,
  ) {
    super();
  }
}

@CommandHandler(RunBlueprint)
export class RunBlueprintHandler implements ICommandHandler<RunBlueprint> {
  constructor(
    private readonly database: Database,
    private readonly blueprints: BlueprintsRepository,
    private readonly submission: JobSubmission,
  ) {}

  async execute({ ctx, projectId, idOrName, input }: RunBlueprint): Promise<RunAccepted> {
    requireRead(ctx, projectId);
    const { id, ...present } = await this.blueprints.find(projectId, idOrName);
    const { version = present.version, inputs, goal, ...how } = input;
    const content =
      version === present.version ? present.content : await this.blueprints.contentAt(id, version);
    const { name, env, steps } = content;
    await this.requireInputs(content, inputs);
    const left = stepsWith(
      steps,
      inputs.map((given) => given.name),
    );
    if (left.length === 0)
      throw new InputsRefused(name, [faultAt('inputs', say('blueprint-nothing-left'))]);
    const task = await this.submission.check(ctx, {
      spec: {
        ...how,
        goal: goal ?? name,
        projectId,
        steps: left,
        inputs,
        env,
        blueprint: { id, name, version },
      },
    });
    return this.database.transaction((tx) => this.submission.submit(tx, ctx, task));
  }

  private async requireInputs(
    content: BlueprintContent,
    given: RunBlueprintInput['inputs'],
  ): Promise<void> {
    const files = await this.database.query<{ id: string; media_type: string }>(
      'SELECT id, media_type FROM artifacts WHERE id = ANY($1::uuid[])',
      [given.map(({ artifactId }) => artifactId)],
    );
    const faults = inputFaults(
      content,
      given,
      files.map((file) => ({ artifactId: file.id, mediaType: file.media_type })),
    );
    if (faults.length > 0) throw new InputsRefused(content.name, faults);
  }
}
