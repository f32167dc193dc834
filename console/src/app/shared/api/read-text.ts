export interface TextPart {
  text: string;
  /** True when the file goes on after `text`; then `text` ends at the end of a line. */
  isPartial: boolean;
  /** Of the whole file; null where the server did not say. */
  totalBytes: number | null;
}

/**
 * Reads at most `maxBytes` of a text file and then lets the rest go, so that a table of 200 MB opens as fast as
 * a small one. HttpClient would hold the whole of it before it gave any.
 */
export async function readText(
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<TextPart> {
  const answer = await fetch(url, { credentials: 'same-origin', signal });
  if (!answer.ok || !answer.body) {
    const problem: unknown = await answer.json().catch(() => undefined);
    throw new Error(`The server answered ${answer.status}`, { cause: problem });
  }
  const length = Number(answer.headers.get('content-length'));
  const totalBytes = length > 0 ? length : null;
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), isPartial: false, totalBytes: bytes };
    bytes += value.byteLength;
    text += decoder.decode(value, { stream: true });
    if (bytes >= maxBytes) {
      await reader.cancel();
      return {
        text: text.slice(0, text.lastIndexOf('\n') + 1) || text,
        isPartial: true,
        totalBytes,
      };
    }
  }
}
