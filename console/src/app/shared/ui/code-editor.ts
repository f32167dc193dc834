import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  Injector,
  afterNextRender,
  effect,
  inject,
  input,
  model,
  output,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import type { CompletionSource } from '@codemirror/autocomplete';
import { TranslocoService } from '@jsverse/transloco';
import type { CodeFault, CodeLanguage, Mounted } from './code-mirror';

export type { CodeFault, CodeLanguage } from './code-mirror';

/**
 * An editor for JSON, Markdown, code and plain text. CodeMirror comes only when one is shown, and stands in a shadow
 * root: there its styles are adopted sheets, which the page's policy allows. Until it is there, and where it cannot
 * be loaded, a plain text box takes its place, so that nobody is kept from writing.
 *
 * `faults` show in the margin. One is placed by offsets (`from`, `to`) or, in JSON, by the `path` that the server's
 * `errors: [{ path, message }]` names: `steps.0.args.file`. JSON that cannot be parsed marks itself.
 */
@Component({
  selector: 'aos-code-editor',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (state() !== 'ready') {
      <textarea
        #plain
        class="plain"
        spellcheck="false"
        [attr.aria-label]="label()"
        [attr.aria-busy]="state() === 'loading'"
        [readOnly]="readonly()"
        [rows]="minLines()"
        [value]="value()"
        [placeholder]="placeholder()"
        (input)="value.set(plain.value)"
        (keydown.control.enter)="submitted.emit()"
        (keydown.meta.enter)="submitted.emit()"
      ></textarea>
    }
    <div #place class="place" [hidden]="state() !== 'ready'"></div>
  `,
  styles: `
    :host {
      display: block;
      min-width: 0;
      border: 1px solid var(--line-strong);
      border-radius: var(--radius);
      background: var(--surface);
      overflow: hidden;
    }
    :host(.bare) {
      border: 0;
      border-radius: 0;
      background: none;
    }
    :host(.fill),
    :host(.fill) .place {
      height: 100%;
    }
    :host(:focus-within:not(.bare)) {
      border-color: var(--accent);
      box-shadow: 0 0 0 1px var(--accent);
    }
    .plain {
      display: block;
      width: 100%;
      padding: 6px 10px;
      border: 0;
      background: none;
      outline: none;
      resize: none;
      font: 12px/20px var(--mono);
    }
    .place {
      min-width: 0;
    }
  `,
  host: { '[class.fill]': 'fill()', '[class.bare]': 'bare()' },
})
export class CodeEditor {
  readonly value = model('');
  /** What the editor is called to those who hear it. */
  readonly label = input.required<string>();
  readonly language = input<CodeLanguage>('json');
  readonly readonly = input(false);
  readonly placeholder = input('');
  readonly faults = input<readonly CodeFault[]>([]);
  /** Where completions come from; CodeMirror's own kind of source, so that it can look at the syntax. */
  readonly completions = input<CompletionSource | null>(null);
  readonly minLines = input(4);
  readonly maxLines = input(24);
  /** Takes the height of its place, instead of that of its lines. */
  readonly fill = input(false);
  /** Without a frame of its own, where it stands inside one. */
  readonly bare = input(false);
  /** Ctrl or Cmd with Enter. */
  readonly submitted = output();

  private readonly place = viewChild.required<ElementRef<HTMLElement>>('place');
  private readonly plain = viewChild<ElementRef<HTMLTextAreaElement>>('plain');
  private readonly injector = inject(Injector);
  private readonly transloco = inject(TranslocoService);
  protected readonly state = signal<'loading' | 'ready' | 'failed'>('loading');
  private mounted: Mounted | null = null;
  private isGone = false;

  constructor() {
    inject(DestroyRef).onDestroy(() => {
      this.isGone = true;
      this.mounted?.destroy();
    });
    afterNextRender(() => void this.load());
    effect(() => {
      const isReady = this.state() === 'ready';
      const [value, language, isReadonly, faults] = [
        this.value(),
        this.language(),
        this.readonly(),
        this.faults(),
      ];
      if (isReady) untracked(() => this.mounted?.update({ value, language, isReadonly, faults }));
    });
    effect(() => {
      this.completions();
      untracked(() => this.mounted?.offerAgain());
    });
  }

  /** Whoever is writing in the plain box goes on at the same place. */
  private takeOver(): void {
    const plain = this.plain()?.nativeElement;
    if (!plain || plain.ownerDocument.activeElement !== plain) return;
    const { selectionStart: anchor, selectionEnd: head } = plain;
    // Hidden as it is until then, it takes no focus.
    const write = () => this.mounted?.focus({ anchor, head });
    afterNextRender({ write }, { injector: this.injector });
  }

  private async load(): Promise<void> {
    try {
      const { mount } = await import('./code-mirror');
      if (this.isGone) return;
      this.mounted = mount(this.place().nativeElement, {
        value: this.value(),
        label: this.label(),
        placeholder: this.placeholder(),
        minLines: this.minLines(),
        maxLines: this.maxLines(),
        fills: this.fill(),
        words: (key) => this.transloco.translate(`editor.${key}`),
        onChange: (value) => this.value.set(value),
        onSubmit: () => this.submitted.emit(),
        completions: () => this.completions(),
      });
      this.takeOver();
      this.state.set('ready');
    } catch {
      this.state.set('failed');
    }
  }

  focus(): void {
    if (this.mounted) this.mounted.focus();
    else this.plain()?.nativeElement.focus();
  }
  /** Puts text where the cursor is, or in place of what is chosen. */
  insert(text: string): void {
    if (this.mounted) this.mounted.insert(text);
    else this.value.update((value) => value + text);
  }
}
