import type { Said } from '@aos/contracts';
import type { Ctx } from '../../platform/http/context.js';

/** The event of a change. `version` is null when the blueprint is gone. */
export const blueprintChanged = (
  ctx: Ctx,
  { projectId, id, version }: { projectId: string; id: string; version: number | null },
  summary: Said,
) => ({
  traceId: ctx.traceId,
  projectId,
  topic: 'config' as const,
  type: 'config.changed' as const,
  summary,
  payload: { scope: 'blueprints', projectId, blueprintId: id, version },
  actor: ctx.actor.id,
});
