import { A11yModule } from '@angular/cdk/a11y';
import { OverlayModule } from '@angular/cdk/overlay';
import {
  ChangeDetectionStrategy,
  Component,
  type ElementRef,
  computed,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Filter, wordsOf } from './filters';
import { Icon } from './icon';
import { Preferences } from './preferences';
import { SpanFields } from './span-fields';
import { spanWords } from './span-words';

/** More options than this get a box to find one in. */
const FIND_FROM = 9;

let made = 0;

/** One filter as a chip; what it can be is chosen in a small window under it. */
@Component({
  selector: 'aos-filter-chip',
  imports: [A11yModule, Icon, OverlayModule, SpanFields, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './filter-chip.html',
  styleUrl: './filter-chip.css',
})
export class FilterChip {
  readonly filter = input.required<Filter>();
  readonly values = input.required<readonly string[]>();
  readonly changed = output<string[]>();

  protected readonly id = `filter-${(made += 1)}`;
  private readonly chip = viewChild.required<ElementRef<HTMLButtonElement>>('chip');
  protected readonly isOpen = signal(false);
  protected readonly wanted = signal('');
  protected readonly isSet = computed(() => this.values().length > 0);
  private readonly language = inject(Preferences).language;
  protected readonly words = computed(() =>
    this.filter().kind === 'span'
      ? spanWords(this.values(), this.language())
      : wordsOf(this.filter(), this.values()),
  );
  protected readonly canFind = computed(() => {
    const filter = this.filter();
    return filter.kind === 'choice' && filter.options.length >= FIND_FROM;
  });
  protected readonly options = computed(() => {
    const filter = this.filter();
    if (filter.kind !== 'choice') return [];
    const wanted = this.wanted().toLowerCase();
    return filter.options.filter(({ label }) => label.toLowerCase().includes(wanted));
  });

  protected press(): void {
    if (this.filter().kind === 'flag') {
      this.changed.emit(this.isSet() ? [] : ['true']);
      return;
    }
    this.wanted.set('');
    this.isOpen.update((isOpen) => !isOpen);
  }

  protected choose(value: string): void {
    const filter = this.filter();
    const isMany = filter.kind === 'choice' && filter.isMany === true;
    const has = this.values().includes(value);
    if (isMany) {
      this.changed.emit(
        has ? this.values().filter((other) => other !== value) : [...this.values(), value],
      );
    } else {
      this.changed.emit(has ? [] : [value]);
      this.close();
    }
  }

  protected apply(event: Event, text: string): void {
    event.preventDefault();
    this.changed.emit(text.trim() === '' ? [] : [text.trim()]);
    this.close();
  }

  protected applySpan(values: string[]): void {
    this.changed.emit(values);
    this.close();
  }

  protected clear(event: Event): void {
    event.stopPropagation();
    this.changed.emit([]);
    this.chip().nativeElement.focus();
  }

  protected close(): void {
    this.isOpen.set(false);
    this.chip().nativeElement.focus();
  }

  /** A click beside the window closes it and goes on to what it was meant for. */
  protected onOutside(event: MouseEvent): void {
    if (!this.chip().nativeElement.contains(event.target as Node)) this.isOpen.set(false);
  }
}
