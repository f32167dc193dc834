import { HttpErrorResponse } from '@angular/common/http';
import type { Problem } from '@aos/contracts';

/** What went wrong, as the server said it (RFC 9457), or as this side had to put it when no server answered. */
export type { Problem };

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'code' in body && 'title' in body;

const own = (code: string, status: number, title: string, detail: string): Problem => ({
  type: 'about:blank',
  code,
  status,
  title,
  detail,
  traceId: '',
});

export function toProblem(error: unknown): Problem {
  if (error instanceof HttpErrorResponse) {
    if (isProblem(error.error)) return error.error;
    // Asked for as a blob or as text, a problem arrives unparsed.
    if (typeof error.error === 'string') {
      const parsed = parse(error.error);
      if (parsed) return parsed;
    }
    if (error.status === 0) return own('offline', 0, 'The server did not answer', '');
    return own('unexpected_answer', error.status, `The server answered ${error.status}`, '');
  }
  if (isProblem(error)) return error;
  return own(
    'console_fault',
    0,
    'The console stumbled',
    error instanceof Error ? error.message : '',
  );
}

function parse(text: string): Problem | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return isProblem(body) ? body : undefined;
  } catch {
    return undefined;
  }
}

/** A request is one value, not three booleans. */
export type Call =
  | { readonly state: 'idle' }
  | { readonly state: 'loading' }
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly problem: Problem };

export const idle: Call = { state: 'idle' };
export const loading: Call = { state: 'loading' };
export const done: Call = { state: 'done' };
export const failed = (error: unknown): Call => ({ state: 'failed', problem: toProblem(error) });
export const problemOf = (call: Call): Problem | null =>
  call.state === 'failed' ? call.problem : null;
