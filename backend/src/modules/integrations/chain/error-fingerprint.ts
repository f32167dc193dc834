import { createHash } from 'node:crypto';

/** Why a call failed; with the server, the tool and the message it makes the fingerprint. */
export type FailureKind =
  | 'tool_error'
  | 'timeout'
  | 'cancelled'
  | 'unreachable'
  | 'connection_lost'
  | 'protocol'
  | 'result_invalid'
  | 'result_too_large'
  | 'internal';

/** The same failure has the same fingerprint, whatever ids, numbers, paths and names its message holds. */
export function errorFingerprint(
  server: string,
  tool: string,
  kind: FailureKind,
  message: string,
): string {
  return createHash('sha256')
    .update([server, tool, kind, normalise(message)].join('\u0000'))
    .digest('hex')
    .slice(0, 16);
}

function normalise(message: string): string {
  return message
    .slice(0, 2000)
    .toLowerCase()
    .replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '<text>')
    .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<id>')
    .replace(/(?:[a-z]:)?(?:[/\\][^\s/\\:]+)+/g, '<path>')
    .replace(/\b(?:0x)?[0-9a-f]{8,}\b/g, '<id>')
    .replace(/\d+/g, '<n>')
    .replace(/\s+/g, ' ')
    .trim();
}
