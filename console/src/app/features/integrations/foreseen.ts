import type { CallAnswer, CallFinding } from '@aos/contracts';

export interface Foreseen {
  outcome: 'stop' | 'ask' | 'call';
  links: readonly CallFinding[];
}

/** What a dry run says of each link, from the answer of a call that was none. */
export function foreseenIn({ structuredContent }: CallAnswer): Foreseen | null {
  const said = structuredContent as Partial<Foreseen & { dryRun: boolean }> | null;
  return said?.dryRun === true && said.outcome && Array.isArray(said.links)
    ? { outcome: said.outcome, links: said.links }
    : null;
}
