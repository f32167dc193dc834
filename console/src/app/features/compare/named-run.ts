/** The run that somebody means by what they typed: its trace, or the number of its task. Null is a text to look for. */
export type NamedRun = { traceId: string } | { jobId: string } | null;

const traceId = /^[\da-f]{32}$/i;
const inAddress = /\/(?:runs|traces)\/([\da-f]{32})(?:[/?#]|$)/i;
const number = /^#?([1-9]\d{0,17})$/;

export function namedRun(text: string): NamedRun {
  const said = text.trim();
  const address = inAddress.exec(said)?.[1];
  if (address) return { traceId: address.toLowerCase() };
  if (traceId.test(said)) return { traceId: said.toLowerCase() };
  const jobId = number.exec(said)?.[1];
  return jobId ? { jobId } : null;
}
