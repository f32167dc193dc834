import type { Said } from '@aos/contracts';
import type { Ctx } from '../../../platform/http/context.js';
import type { NewEvent } from '../../../platform/outbox/outbox.js';

export const registryChanged = (
  ctx: Ctx,
  server: string,
  change: 'registered' | 'changed' | 'removed',
  summary: Said,
  isWell = true,
): NewEvent => ({
  traceId: ctx.traceId,
  topic: 'registry',
  type: 'registry.changed',
  severity: isWell ? 'info' : 'warning',
  summary,
  payload: { server, change },
  actor: ctx.actor.id,
});
