import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import { hiddenTextIn } from './hidden-text.js';
import { ToolQuarantined } from '../integrations.errors.js';
import type { CallEnd } from './ledger.js';
import type { Foresight, Link, Next, Passage } from './link.js';

/** The tool's definition is the one that was approved: see pins.ts for how it comes to be otherwise. */
@Injectable()
export class PinLink implements Link {
  readonly name = 'pin';

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    requirePinned(passage);
    return next();
  }

  preview(passage: Passage): Foresight {
    requirePinned(passage);
    return {
      verdict: 'pass',
      says: say('link-pinned', { hash: passage.target.hash.slice(0, 12) }),
    };
  }
}

function requirePinned({ name, target }: Passage): void {
  if (target.pin === 'pinned') return;
  const isHiding = hiddenTextIn(target.definition).length > 0;
  throw new ToolQuarantined(
    name,
    target.pin === 'changed' ? 'changed' : isHiding ? 'hides' : 'new',
  );
}
