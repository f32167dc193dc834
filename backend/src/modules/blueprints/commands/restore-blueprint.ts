import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type Blueprint,
  type RestoreBlueprint as RestoreBlueprintInput,
  say,
} from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { BlueprintsRepository, requireWrite } from '../blueprints.repository.js';
import { BlueprintVersions } from '../blueprint-versions.js';

/** Makes a new version that holds what an older one held, so that its number still says which is the later. */
export class RestoreBlueprint extends Command<Blueprint> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly idOrName: string,
    readonly base: number,
    readonly input: RestoreBlueprintInput,
  ) {
    super();
  }
}

@CommandHandler(RestoreBlueprint)
export class RestoreBlueprintHandler implements ICommandHandler<RestoreBlueprint> {
  constructor(
    private readonly blueprints: BlueprintsRepository,
    private readonly versions: BlueprintVersions,
  ) {}

  async execute({ ctx, projectId, idOrName, base, input }: RestoreBlueprint): Promise<Blueprint> {
    requireWrite(ctx, projectId);
    const { version: from, comment } = input;
    return this.versions.next(ctx, projectId, idOrName, base, {
      contentFrom: ({ id }) => this.blueprints.contentAt(id, from),
      comment,
      action: 'blueprint.restore',
      facts: { from },
      tell: ({ name, version }) =>
        say('blueprint-restored', { who: ctx.actor.name, blueprint: name, from, version }),
    });
  }
}
