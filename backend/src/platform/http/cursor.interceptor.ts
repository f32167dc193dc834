import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { createHash } from 'node:crypto';
import { type Observable, map } from 'rxjs';
import type { AosRequest } from './access.js';
import { AosError } from './problem.js';

const MARK_LENGTH = 6;

/**
 * Binds a cursor to its list. What a list makes of its sort key often fits the key of another list (a number,
 * a uuid), and would bring a wrong page without a word. So each cursor leaves with a mark of its route in
 * front, and comes back in only with that one; the lists themselves see the bare cursor.
 */
@Injectable()
export class CursorInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<AosRequest>();
    const mark = markOf((request.route as { path: string }).path);
    const { cursor } = request.query;
    if (typeof cursor === 'string') {
      if (!cursor.startsWith(mark))
        throw new AosError(
          'invalid_cursor',
          'Use the nextCursor of the previous page of this list, as it was given.',
        );
      // Express reads the query anew at each look, unless it is told otherwise.
      const query = { ...request.query, cursor: cursor.slice(MARK_LENGTH) };
      Object.defineProperty(request, 'query', { value: query, configurable: true });
    }
    return next
      .handle()
      .pipe(map((answer: unknown) => (isPage(answer) ? withMark(answer, mark) : answer)));
  }
}

const marks = new Map<string, string>();

/** There are as many as there are routes. */
function markOf(route: string): string {
  const known = marks.get(route);
  if (known) return known;
  const mark = createHash('sha256').update(route).digest('base64url').slice(0, MARK_LENGTH);
  marks.set(route, mark);
  return mark;
}

const isPage = (answer: unknown): answer is { nextCursor: string } =>
  typeof (answer as { nextCursor?: unknown } | null | undefined)?.nextCursor === 'string';

const withMark = (page: { nextCursor: string }, mark: string) => ({
  ...page,
  nextCursor: mark + page.nextCursor,
});
