import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type Blueprint, type PatchBlueprint, say } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import { contentOf } from '../blueprint.js';
import { requireWrite } from '../blueprints.repository.js';
import { BlueprintVersions } from '../blueprint-versions.js';

/** Makes a new version of a blueprint; one that would be like the present one is none. */
export class ChangeBlueprint extends Command<Blueprint> {
  constructor(
    readonly ctx: Ctx,
    readonly projectId: string,
    readonly idOrName: string,
    readonly base: number,
    readonly input: PatchBlueprint,
  ) {
    super();
  }
}

@CommandHandler(ChangeBlueprint)
export class ChangeBlueprintHandler implements ICommandHandler<ChangeBlueprint> {
  constructor(private readonly versions: BlueprintVersions) {}

  async execute({ ctx, projectId, idOrName, base, input }: ChangeBlueprint): Promise<Blueprint> {
    requireWrite(ctx, projectId);
    const { comment, ...change } = input;
    return this.versions.next(ctx, projectId, idOrName, base, {
      contentFrom: ({ content }) => Promise.resolve(contentOf({ ...content, ...change })),
      comment,
      action: 'blueprint.change',
      tell: ({ name, version }) =>
        say('blueprint-changed', { who: ctx.actor.name, blueprint: name, version }),
    });
  }
}
