import { say } from '@aos/contracts';
import type { ToolDefinition } from '../upstreams/upstream.js';
import { configChanges } from '../../config/index.js';
import { type NewEvent } from '../../../platform/outbox/outbox.js';
import { canonicalHash } from '../../../platform/http/canonical-hash.js';
import { type HiddenText, escaped, hiddenTextIn } from './hidden-text.js';
import { mapStrings } from './secret-references.js';

/**
 * A tool's definition is what a person (or a model) decided by when it was let in, so it is kept with its hash,
 * and what the server says later is compared with that:
 *
 *     (new) --clean--> pinned <--approve-- changed
 *       |                 |                   ^
 *       |                 +--- it differs ----+
 *       +--hidden text--> quarantined --approve--> pinned
 *       +--held---------> quarantined
 *
 * `changed` and `quarantined` tools are off: they are in no list and no call to them passes. A changed tool
 * whose server goes back to what was approved is pinned again. Approving takes the hash of what was looked at,
 * so that nothing else is approved than that. Where tool servers want a second person, a tool that turns up at a server
 * which is registered already is held too: it was not there when the server was confirmed. AOS's own servers need no approval: their definitions come with
 * the build.
 */
export type PinState = 'pinned' | 'changed' | 'quarantined';

export interface KeptTool {
  name: string;
  definition: ToolDefinition;
  pin_state: PinState;
  seen_hash: string | null;
}

/** What is to be stored for a tool that its server told of. */
export interface PinnedTool {
  name: string;
  definition: ToolDefinition;
  hash: string;
  state: PinState;
  seen: ToolDefinition | null;
  seenHash: string | null;
  hiddenText: HiddenText[];
  /** The state is news, or what waits is another definition than before. */
  isNews: boolean;
}

/** Of all that a model or a checker goes by. */
export const definitionHash = (definition: ToolDefinition): string =>
  canonicalHash({
    name: definition.name,
    title: definition.title,
    description: definition.description,
    inputSchema: definition.inputSchema,
    outputSchema: definition.outputSchema,
    annotations: definition.annotations,
  });

/** `isHeld`: a second person is wanted, so that a tool which is new waits for one as well. */
export function pin(
  told: ToolDefinition,
  kept: KeptTool | undefined,
  isOurs: boolean,
  isHeld = false,
): PinnedTool {
  const hash = definitionHash(told);
  const hiddenText = isOurs ? [] : hiddenTextIn(told);
  const next = (state: PinState, definition: ToolDefinition, isNews: boolean): PinnedTool => ({
    ...{ name: told.name, definition, hash: definitionHash(definition), state, hiddenText, isNews },
    ...(state === 'changed' ? { seen: told, seenHash: hash } : { seen: null, seenHash: null }),
  });
  if (isOurs) return next('pinned', told, false);
  if (!kept) {
    const isOff = isHeld || hiddenText.length > 0;
    return next(isOff ? 'quarantined' : 'pinned', told, isOff);
  }
  const isSame = definitionHash(kept.definition) === hash;
  // It was never approved, so there is nothing to be compared with.
  if (kept.pin_state === 'quarantined') return next('quarantined', told, !isSame);
  return isSame
    ? next('pinned', told, false)
    : next('changed', kept.definition, kept.seen_hash !== hash);
}

export const differencesOf = (pinned: unknown, seen: unknown) =>
  configChanges(shown(pinned), shown(seen));

/** As it can be shown to a person: what hides is written out. */
export const shown = <T>(value: T): T => mapStrings(value, escaped);

const MOST_DIFFERENCES = 20;

export function pinEvent(server: string, tool: PinnedTool, traceId: string): NewEvent {
  const name = `${server}.${tool.name}`;
  const isChanged = tool.state === 'changed';
  const differences = isChanged
    ? differencesOf(tool.definition, tool.seen).slice(0, MOST_DIFFERENCES)
    : [];
  return {
    traceId,
    topic: 'registry',
    type: 'anomaly.detected',
    severity: 'error',
    summary: isChanged
      ? say('definition-changed', {
          tool: escaped(name),
          paths: differences.map(({ path }) => path).join(', '),
        })
      : say(tool.hiddenText.length > 0 ? 'definition-hides' : 'definition-new', {
          tool: escaped(name),
        }),
    payload: {
      code: isChanged ? 'tool_changed' : 'tool_quarantined',
      server,
      tool: escaped(tool.name),
      hash: tool.hash,
      waitingHash: tool.seenHash ?? tool.hash,
      differences,
      hiddenText: tool.hiddenText,
    },
    links: [
      {
        rel: 'settings',
        href: `/console/integrations/${server}`,
        title: 'Look at the definition',
      },
    ],
  };
}
