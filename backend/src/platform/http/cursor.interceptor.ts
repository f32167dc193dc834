import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { createHash } from 'node:crypto';
import { type Observable, map } from 'rxjs';
import { say } from '@aos/contracts';
import type { AosRequest } from './access.js';
import { AosError } from './problem.js';

const MARK_LENGTH = 6;

/** On a list whose rows carry cursors of their own: those have no mark, and no other list takes them. */
export const GivesCursors = Reflector.createDecorator<boolean>({ transform: (is) => is ?? true });

/**
 * Binds a cursor to its list. What a list makes of its sort key often fits the key of another list (a number,
 * a uuid), and would bring a wrong page without a word. So each cursor leaves with a mark of its route in
 * front, and comes back in only with that one; the lists themselves see the bare cursor.
 */
@Injectable()
export class CursorInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.reflector.get(GivesCursors, context.getHandler())) return next.handle();
    const request = context.switchToHttp().getRequest<AosRequest>();
    const mark = markOf(request);
    const { cursor } = request.query;
    if (typeof cursor === 'string') {
      if (!cursor.startsWith(mark)) throw new AosError('invalid_cursor', say('cursor-of-list'));
      // Express reads the query anew at each look, unless it is told otherwise.
      const query = { ...request.query, cursor: cursor.slice(MARK_LENGTH) };
      Object.defineProperty(request, 'query', { value: query, configurable: true });
    }
    return next.handle().pipe(map((answer: unknown) => markedPage(request, answer)));
  }
}

/** For a route that is a page or a stream by turns, and so answers by itself. */
export const markedPage = <T>(request: Pick<Request, 'route'>, answer: T): T =>
  isPage(answer) ? { ...answer, nextCursor: markOf(request) + answer.nextCursor } : answer;

const marks = new Map<string, string>();

/** There are as many as there are routes. */
function markOf(request: Pick<Request, 'route'>): string {
  const route = (request.route as { path: string }).path;
  const known = marks.get(route);
  if (known) return known;
  const mark = createHash('sha256').update(route).digest('base64url').slice(0, MARK_LENGTH);
  marks.set(route, mark);
  return mark;
}

const isPage = (answer: unknown): answer is { nextCursor: string } =>
  typeof (answer as { nextCursor?: unknown } | null | undefined)?.nextCursor === 'string';
