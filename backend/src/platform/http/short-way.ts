import type { NextFunction, Response } from 'express';
import type { AccessGuard } from './access.guard.js';
import type { AccessRule, AosRequest } from './access.js';

/**
 * A route that is asked so often that what stands around all routes shows: it is served past the router (which tries
 * one pattern after the other), the interceptors and the pipes, where those have nothing to say about it. What
 * protects a route is the same on either way: Host and Origin in front of it, the one guard with the rule of the
 * route, and the filter that says what was wrong.
 */
export abstract class ShortWay {
  /** As it is called in metrics and spans. */
  abstract readonly route: string;
  /** That of the route itself; a route without one is open to nobody. */
  abstract readonly rule: AccessRule | undefined;
  /** All others go the long way. */
  abstract takes(request: AosRequest): boolean;
  abstract serve(request: AosRequest, response: Response): Promise<void>;
  abstract refuse(thrown: unknown, request: AosRequest, response: Response): Promise<void>;
}

export function shortWay(way: ShortWay, guard: AccessGuard) {
  return (request: AosRequest, response: Response, next: NextFunction): void => {
    if (!way.takes(request)) return next();
    request.route = { path: way.route };
    guard
      .admit(way.rule, request)
      .then(() => way.serve(request, response))
      .catch((thrown: unknown) => way.refuse(thrown, request, response))
      .catch(next); // what cannot even be refused
  };
}
