import { SetMetadata, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Permission } from '@aos/contracts';
import type { Request } from 'express';
import type { Ctx } from './context.js';

export const ACCESS = 'aos:access';

/**
 * What a route asks for. `project: 'any'` lets in whoever holds the permission in at least one project,
 * for routes whose handler then filters or checks by the project of the row; without it the permission
 * must hold everywhere. A route with no rule is refused to everybody: the guard denies by default.
 */
export type AccessRule =
  | { kind: 'public' }
  | { kind: 'signed-in'; outside: boolean; beforeSecondFactor: boolean }
  | { kind: 'permission'; permission: Permission; anyProject: boolean };

export const Public = () => SetMetadata(ACCESS, { kind: 'public' } satisfies AccessRule);
/**
 * `outside`: grants and the tokens of a configured issuer are taken as well (see OutsideTokens). `beforeSecondFactor`: also
 * from whoever has to set up a second factor first.
 */
export const SignedIn = ({ outside = false, beforeSecondFactor = false } = {}) =>
  SetMetadata(ACCESS, { kind: 'signed-in', outside, beforeSecondFactor } satisfies AccessRule);
export const Allow = (permission: Permission, options: { anyProject?: boolean } = {}) =>
  SetMetadata(ACCESS, {
    kind: 'permission',
    permission,
    anyProject: options.anyProject ?? false,
  } satisfies AccessRule);

export interface AosRequest extends Request {
  ctx: Ctx;
}

/** The context of the request, as the guard built it. */
export const RequestCtx = createParamDecorator(
  (_: unknown, host: ExecutionContext): Ctx => host.switchToHttp().getRequest<AosRequest>().ctx,
);
