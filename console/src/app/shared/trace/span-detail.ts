import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  resource,
} from '@angular/core';
import type { Span } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { TraceApi } from './trace-api';
import { toProblem } from '../api/problem';
import { Sentences } from '../i18n/sentences';
import { CopyButton } from '../ui/copy-button';
import { JsonTree } from '../ui/json-tree';
import { ProblemNote } from '../ui/problem-note';
import { Preferences } from '../ui/preferences';
import { SidePanel } from '../ui/side-panel';
import { duration, exactTime } from '../ui/time';
import { withUnit } from '../charts/units';
import { startOf } from './span-tree';

export const lengthOf = ({ durationUs }: Pick<Span, 'durationUs'>): string =>
  durationUs < 1000 ? `${durationUs} µs` : duration(durationUs / 1000);

const asNumber = (value: unknown) => (typeof value === 'number' ? value : null);

/** All that is known of one span; for a tool call also what the ledger has. */
@Component({
  selector: 'aos-span-detail',
  imports: [CopyButton, JsonTree, ProblemNote, SidePanel, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './span-detail.html',
  styleUrl: './span-detail.css',
})
export class SpanDetail {
  readonly span = input.required<Span>();
  /** From the start of the trace. */
  readonly offsetUs = input.required<number>();
  readonly closed = output();

  private readonly api = inject(TraceApi);
  private readonly language = inject(Preferences).language;
  private readonly sentences = inject(Sentences);

  protected readonly length = computed(() => lengthOf(this.span()));
  protected readonly after = computed(() => lengthOf({ durationUs: this.offsetUs() }));
  protected readonly began = computed(() =>
    exactTime(startOf(this.span()) / 1000, this.language()),
  );
  protected readonly hasAttributes = computed(() => Object.keys(this.span().attributes).length > 0);
  protected readonly attributesText = computed(() =>
    JSON.stringify(this.span().attributes, null, 2),
  );
  protected readonly cost = computed(() => {
    const { attributes } = this.span();
    const cny = asNumber(attributes['aos.cost.cny']);
    const input = asNumber(attributes['gen_ai.usage.input_tokens']);
    const output = asNumber(attributes['gen_ai.usage.output_tokens']);
    if (cny === null && input === null) return null;
    return {
      cny: cny === null ? null : withUnit(cny, 'cny', this.language()),
      input: input ?? 0,
      output: output ?? 0,
    };
  });

  protected readonly ledger = resource({
    params: () => {
      const { kind, traceId, spanId } = this.span();
      return kind === 'tool' ? { traceId, spanId } : undefined;
    },
    loader: ({ params }) => firstValueFrom(this.api.callOfSpan(params.traceId, params.spanId)),
  });
  protected readonly call = computed(() =>
    this.ledger.hasValue() ? this.ledger.value().call : null,
  );
  /** The ledger has it by its code; the span only in English. */
  protected readonly fault = computed(() => {
    const { said, error } = this.call() ?? {};
    return said && error ? this.sentences.of(said, error) : this.span().statusMessage || error;
  });
  protected readonly problem = computed(() => {
    const error = this.ledger.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  protected text(value: unknown): string {
    return JSON.stringify(value, null, 2) ?? '';
  }
}
