import { Injectable } from '@nestjs/common';
import { LeaseEnded } from '../../jobs/index.js';
import { errorFingerprint } from './error-fingerprint.js';
import { type CallEnd, Ledger } from './ledger.js';
import type { Link, Next, Passage } from './link.js';
import { storable } from './result-check.js';

/**
 * The record around the call: a committed row before it, its end and the event after it. When the ledger holds
 * the end already, that is given again and nothing is called.
 */
@Injectable()
export class LedgerLink implements Link {
  readonly name = 'ledger';

  constructor(private readonly ledger: Ledger) {}

  async pass(passage: Passage, next: Next): Promise<CallEnd> {
    const { ctx, call, target, span } = passage;
    const stored = { ...call, args: storable(call.args) };
    const begun = await this.ledger.begin(ctx, stored, target.tool.idempotent, passage.policies);
    if (begun.kind === 'recorded') {
      passage.isRecorded = true;
      passage.callId = begun.callId;
      return begun.end;
    }
    passage.row = begun.row;
    passage.callId = begun.row.callId;
    span?.setAttribute('aos.call.id', begun.row.callId);
    const end = await next();
    if (end.status !== 'succeeded') {
      end.fingerprint = errorFingerprint(call.server, call.tool, end.kind, end.error);
      span?.setAttribute('aos.error.fingerprint', end.fingerprint);
    }
    const spanId = span?.isRecording() ? span.spanContext().spanId : undefined;
    const isOwn = await this.ledger.complete(ctx, call, begun.row, end, spanId);
    if (!isOwn) throw new LeaseEnded('lost');
    return end;
  }
}
