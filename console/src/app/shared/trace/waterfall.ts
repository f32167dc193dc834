import { ScrollingModule } from '@angular/cdk/scrolling';
import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  resource,
  signal,
} from '@angular/core';
import type { Span } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../api/aos-api';
import { toProblem } from '../api/problem';
import { Icon } from '../ui/icon';
import { ProblemNote } from '../ui/problem-note';
import { duration } from '../ui/time';
import { Verbatim } from '../ui/verbatim';
import { type SpanRow, layOut, visible } from './span-tree';

/** The spans of one trace as a tree at the left and bars on one time axis at the right. */
@Component({
  selector: 'aos-waterfall',
  imports: [Icon, ProblemNote, ScrollingModule, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './waterfall.html',
  styleUrl: './waterfall.css',
})
export class Waterfall {
  readonly traceId = input.required<string>();
  private readonly api = inject(AosApi);

  protected readonly trace = resource({
    params: () => this.traceId(),
    loader: ({ params }) => firstValueFrom(this.api.trace(params)),
  });
  protected readonly problem = computed(() => {
    const error = this.trace.error();
    return error ? toProblem(error.cause ?? error) : null;
  });
  private readonly spans = computed(() => (this.trace.hasValue() ? this.trace.value().spans : []));
  protected readonly isTruncated = computed(
    () => this.trace.hasValue() && this.trace.value().truncated,
  );
  protected readonly layout = computed(() => layOut(this.spans()));
  protected readonly folded = linkedSignal<string, ReadonlySet<string>>({
    source: this.traceId,
    computation: () => new Set(),
  });
  protected readonly rows = computed(() => visible(this.layout().rows, this.folded()));
  protected readonly chosen = signal<Span | null>(null);
  protected readonly ticks = computed(() =>
    [0, 0.25, 0.5, 0.75].map((part) => ({
      left: part * 100,
      text: part === 0 ? '0' : duration((this.layout().lengthUs * part) / 1000),
    })),
  );

  protected readonly byId = (_: number, row: SpanRow) => row.span.spanId;
  protected took(span: Span): string {
    return span.durationUs < 1000 ? `${span.durationUs} µs` : duration(span.durationUs / 1000);
  }
  protected left(row: SpanRow): number {
    return (100 * row.offsetUs) / this.layout().lengthUs;
  }
  protected width(row: SpanRow): number {
    return (100 * row.span.durationUs) / this.layout().lengthUs;
  }
  protected fold(row: SpanRow, event: Event): void {
    event.stopPropagation();
    this.folded.update((folded) => {
      const next = new Set(folded);
      if (!next.delete(row.span.spanId)) next.add(row.span.spanId);
      return next;
    });
  }
}
