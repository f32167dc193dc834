import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ROUTE_ARGS_METADATA, RouteParamtypes } from '@nestjs/common/internal';
import { Reflector } from '@nestjs/core';
import { say } from '@aos/contracts';
import type { Observable } from 'rxjs';
import { ACCESS, type AccessRule, type AosRequest } from './access.js';
import { AosError, faultAt } from './problem.js';

/**
 * Refuses query keys where a route takes none, as the schemas of the others refuse those that they do not know: a
 * filter that was given to the wrong route would otherwise be passed over without a word. What is public (probes,
 * scrapers) or speaks a protocol of its own (`/mcp`) is called by programs that add keys of theirs, and is let be.
 */
@Injectable()
export class QueryKeysInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const keys = Object.keys(context.switchToHttp().getRequest<AosRequest>().query);
    if (keys.length > 0 && !this.isLetBe(context) && !takesQuery(context))
      throw new AosError('validation_failed', say('no-query-here'), {
        errors: keys.slice(0, 50).map((key) => faultAt(key.slice(0, 200), say('field-unknown'))),
      });
    return next.handle();
  }

  private isLetBe(context: ExecutionContext): boolean {
    const rule = this.reflector.getAllAndOverride<AccessRule | undefined>(ACCESS, [
      context.getHandler(),
      context.getClass(),
    ]);
    return rule?.kind === 'public' || (rule?.kind === 'signed-in' && rule.outside);
  }
}

function takesQuery(context: ExecutionContext): boolean {
  const taken = (Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass<Type>(),
    context.getHandler().name,
  ) ?? {}) as Record<string, unknown>;
  return Object.keys(taken).some((key) => key.startsWith(`${RouteParamtypes.QUERY}:`));
}
