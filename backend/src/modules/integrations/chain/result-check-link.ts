import { Injectable } from '@nestjs/common';
import { type Said, inEnglish, say } from '@aos/contracts';
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { CallEnd, StoredResult } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { ResultRefused, checkResult } from './result-check.js';
import { ToolSchemas } from './tool-schema.js';

/** Is it an answer: its size and depth, and the tool's own output schema, as pinned. */
@Injectable()
export class ResultCheckLink implements Link {
  readonly name = 'result-check';

  constructor(private readonly schemas: ToolSchemas) {}

  async pass({ target }: Passage, next: Next): Promise<CallEnd> {
    const end = await next();
    if (end.status !== 'succeeded') return end;
    try {
      // The link below hands on what the server said, whatever that is.
      const answer = end.result as unknown as CallToolResult;
      const result = checkResult(answer, target.tool.outputSchema, this.schemas);
      if (!result.isError) return { ...end, result };
      const { durationMs, said } = end;
      return {
        status: 'failed',
        kind: 'tool_error',
        ...failureOf(result, said),
        result,
        durationMs,
      };
    } catch (error) {
      if (!(error instanceof ResultRefused)) throw error;
      const { durationMs } = end;
      const { kind, message, said } = error;
      return { status: 'failed', kind, error: message, said, durationMs };
    }
  }
}

/** Whole: it is cut once it is redacted, and not before. */
function failureOf(result: StoredResult, said: Said | undefined): { error: string; said?: Said } {
  const texts = result.content.flatMap((part) =>
    typeof part['text'] === 'string' ? [part['text']] : [],
  );
  const error = texts.join('\n');
  if (error === '') {
    const silent = say('tool-failed-silently');
    return { error: inEnglish(silent), said: silent };
  }
  return { error, ...(said ? { said } : {}) };
}
