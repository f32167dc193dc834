import { CdkTextareaAutosize } from '@angular/cdk/text-field';
import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterNextRender,
  computed,
  inject,
  input,
  linkedSignal,
  model,
  output,
  resource,
  signal,
  viewChild,
} from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import type { Agent, McpTool } from '@aos/contracts';
import type { CompletionSource } from '@codemirror/autocomplete';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import type { Call } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { CodeEditor, type CodeFault } from '../../shared/ui/code-editor';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import type { Draft } from './drafts';
import { planFaults, stepFor, stepsIn, toCodeFaults, withStep } from './dsl';
import { FileChips } from './file-chips';
import { insertPhrase, phraseFor } from './phrases';
import { type Suggestion, SuggestList } from './suggest-list';
import type { Attachment } from './uploads';

/** `/` or `@` at the start of a word, and what has been typed after it. */
interface Offer {
  mark: '/' | '@';
  from: number;
  to: number;
  query: string;
}

let composers = 0;

/** Where a task is written: in words or in steps, with its files and who should do it. */
@Component({
  selector: 'aos-composer',
  imports: [
    CdkTextareaAutosize,
    CodeEditor,
    FileChips,
    Icon,
    MatMenu,
    MatMenuItem,
    MatMenuTrigger,
    ProblemNote,
    SuggestList,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './composer.html',
  styleUrl: './composer.css',
})
export class Composer {
  readonly draft = model.required<Draft>();
  readonly agents = input.required<readonly Agent[]>();
  readonly tools = input.required<readonly McpTool[]>();
  readonly files = input.required<readonly Attachment[]>();
  /** What was said before, oldest first. */
  readonly said = input<readonly string[]>([]);
  readonly call = input.required<Call>();
  readonly submitted = output();
  /** A `/` or an `@` was typed: what is offered should be what there is now. */
  readonly offered = output();
  readonly picked = output<File[]>();
  readonly removed = output<string>();
  readonly retried = output<string>();

  private readonly transloco = inject(TranslocoService);
  private readonly sentences = inject(Sentences);
  private readonly goal = viewChild.required<ElementRef<HTMLTextAreaElement>>('goal');
  private readonly editor = viewChild(CodeEditor);
  private readonly size = viewChild(CdkTextareaAutosize);
  protected readonly listId = `suggest-${(composers += 1)}`;

  protected readonly isDsl = computed(() => this.draft().mode === 'dsl');
  protected readonly agent = computed(() =>
    this.agents().find(({ id }) => id === this.draft().agentId),
  );
  protected readonly problem = computed(() => {
    const call = this.call();
    return call.state === 'failed' ? call.problem : null;
  });
  private readonly inputs = computed(() => this.files().map(({ name }) => name));

  /** What the server found wrong with the steps that it was sent; a change of them makes it old. */
  private readonly refused = linkedSignal<unknown, readonly CodeFault[]>({
    source: () => this.problem(),
    computation: () =>
      (this.problem()?.errors ?? [])
        .filter(({ path }) => /^\/?steps\b/.test(path))
        .map(({ path, message, said }) => ({ path, message: this.sentences.of(said, message) })),
  });
  protected readonly faults = computed((): CodeFault[] => {
    this.transloco.activeLang();
    const { dsl } = this.draft();
    const own = toCodeFaults(planFaults(dsl, this.tools(), this.inputs()), (word, values) =>
      this.transloco.translate(word, values),
    );
    // The server says the same of the same place, in its own words: once is enough.
    const known = new Set(own.map(({ path }) => path));
    return [...own, ...this.refused().filter(({ path }) => !known.has(path))];
  });
  private readonly source = resource({
    params: () => (this.isDsl() ? {} : undefined),
    loader: () => import('./dsl-completion'),
  });
  protected readonly completions = computed((): CompletionSource | null => {
    const source = this.source.hasValue() ? this.source.value() : undefined;
    if (!source) return null;
    const known = {
      tools: this.tools().map((tool) => ({
        ...tool,
        title: this.sentences.ofTool(tool.title ?? ''),
        description: this.sentences.ofTool(tool.description),
      })),
      inputs: this.inputs(),
      say: (key: string) => this.transloco.translate<string>(key),
    };
    return (context) => source.completeDsl(context, known);
  });

  protected readonly canSend = computed(() => {
    const { mode, text, dsl } = this.draft();
    const isSaid = mode === 'dsl' ? (stepsIn(dsl)?.length ?? 0) > 0 : text.trim() !== '';
    return (
      isSaid &&
      this.call().state !== 'loading' &&
      this.files().every(({ artifactId }) => artifactId !== null)
    );
  });

  protected readonly asked = signal<Offer | null>(null);
  /** Where there is anything to offer, also when that comes later than the mark. */
  protected readonly offer = computed((): Offer | null => {
    const asked = this.asked();
    const known = asked?.mark === '@' ? this.agents() : this.tools();
    return known.length > 0 ? asked : null;
  });
  protected readonly at = linkedSignal<unknown, number>({
    source: () => this.offer()?.query,
    computation: () => 0,
  });
  protected readonly suggestions = computed((): Suggestion[] => {
    const offer = this.offer();
    if (!offer) return [];
    const query = offer.query.toLowerCase();
    const all = (offer.mark === '/' ? this.skills() : this.people()).filter((one) =>
      `${one.name} ${one.about}`.toLowerCase().includes(query),
    );
    // What begins as it was typed is meant more often than what only holds it.
    const begins = (one: Suggestion) => one.name.toLowerCase().startsWith(query);
    return [...all.filter(begins), ...all.filter((one) => !begins(one))];
  });
  private readonly skills = computed(() =>
    [...this.tools()]
      .sort((a, b) => rank(a) - rank(b) || a.tool.localeCompare(b.tool))
      .map((tool): Suggestion => ({
        id: tool.tool,
        icon: tool.tool.startsWith('skills.') ? 'play' : 'integrations',
        name: tool.tool.replace(/^skills\./, ''),
        about: this.sentences.ofTool(tool.description || tool.title || ''),
        ...(!this.isDsl() &&
          phraseFor(tool, null) === null && {
            mark: this.transloco.translate<string>('chat.composer.asStep'),
          }),
      })),
  );
  private readonly people = computed(() =>
    this.agents().map((agent): Suggestion => ({
      id: agent.id,
      icon: 'agents',
      name: agent.name,
      about: this.transloco.translate(`chat.composer.agentStatus.${agent.status}`),
    })),
  );
  /** How far back in what was said; 0 is the draft itself. */
  private back = 0;

  constructor() {
    // A new conversation was asked for elsewhere: whoever did so means to write.
    const { writes } = (history.state ?? {}) as { writes?: true };
    afterNextRender(() => {
      if (writes && !this.isDsl()) this.goal().nativeElement.focus();
    });
  }

  fill(text: string): void {
    this.put(text, text.length);
  }
  focus(): void {
    this.goal().nativeElement.focus();
  }

  protected write(changes: Partial<Draft>): void {
    if (changes.dsl !== undefined && changes.dsl !== this.draft().dsl) this.refused.set([]);
    this.draft.update((draft) => ({ ...draft, ...changes }));
  }

  protected submit(): void {
    this.asked.set(null);
    this.back = 0;
    if (this.canSend()) this.submitted.emit();
  }

  protected turn(): void {
    this.write({ mode: this.isDsl() ? 'text' : 'dsl' });
    this.focus();
  }

  protected insert(text: string): void {
    this.editor()?.insert(text);
  }

  /** Is the cursor behind a `/` or an `@` that begins a word? */
  protected look(): void {
    const { value, selectionStart, selectionEnd } = this.goal().nativeElement;
    const word = /(?:^|\s)([/@])([^\s/@]*)$/.exec(value.slice(0, selectionStart));
    const mark = word?.[1] as Offer['mark'] | undefined;
    const query = word?.[2] ?? '';
    if (mark && this.asked()?.mark !== mark) this.offered.emit();
    this.asked.set(
      mark && selectionStart === selectionEnd
        ? { mark, query, from: selectionStart - query.length - 1, to: selectionStart }
        : null,
    );
  }

  protected take({ id }: Suggestion): void {
    const offer = this.offer();
    if (!offer) return;
    this.asked.set(null);
    if (offer.mark === '@') {
      const { text } = this.draft();
      this.put(text.slice(0, offer.from) + text.slice(offer.to), offer.from);
      this.write({ agentId: id });
      return;
    }
    const tool = this.tools().find((one) => one.tool === id);
    if (tool) this.say(tool, offer);
  }

  /** As words where words can say it, else as a step. */
  private say(tool: McpTool, { from, to }: Offer): void {
    const { text, dsl } = this.draft();
    const only = this.files().length === 1 ? this.files()[0]! : null;
    const phrase = this.isDsl() ? null : phraseFor(tool, only?.fileName ?? null);
    if (phrase !== null) {
      const next = insertPhrase(text, from, to, phrase);
      this.put(next.text, next.cursor);
      return;
    }
    const taken = (stepsIn(dsl) ?? []).map((step) => String((step as { id?: unknown }).id));
    this.write({
      mode: 'dsl',
      text: (text.slice(0, from) + text.slice(to)).trim(),
      dsl: withStep(dsl, stepFor(tool, taken, only?.name ?? null)),
    });
    this.editor()?.focus();
  }

  protected onKey(event: KeyboardEvent): void {
    // Enter also ends the choice of a Chinese character; that one is not meant for us.
    if (event.isComposing) return;
    if (this.offer() && this.onOfferKey(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === 'ArrowUp' || event.key === 'ArrowDown') this.recall(event);
    else this.back = 0;
  }

  private onOfferKey({ key }: KeyboardEvent): boolean {
    const count = this.suggestions().length;
    const chosen = this.suggestions()[this.at()];
    if (key === 'Escape') this.asked.set(null);
    else if (key === 'ArrowDown' && count) this.at.update((at) => (at + 1) % count);
    else if (key === 'ArrowUp' && count) this.at.update((at) => (at - 1 + count) % count);
    else if ((key === 'Enter' || key === 'Tab') && chosen) this.take(chosen);
    else return false;
    document.getElementById(`${this.listId}-${this.at()}`)?.scrollIntoView?.({ block: 'nearest' });
    return true;
  }

  /** In an empty composer the arrows walk through what was said before. */
  private recall(event: KeyboardEvent): void {
    const said = this.said();
    if (this.back === 0 && (this.draft().text !== '' || event.key === 'ArrowDown')) return;
    const back = this.back + (event.key === 'ArrowUp' ? 1 : -1);
    if (back > said.length) return;
    event.preventDefault();
    this.fill(said[said.length - back] ?? '');
    this.back = back;
  }

  private put(text: string, cursor: number): void {
    this.write({ text });
    const box = this.goal().nativeElement;
    box.value = text;
    box.setSelectionRange(cursor, cursor);
    box.focus();
    this.size()?.resizeToFitContent(true);
  }

  protected onPaste(event: ClipboardEvent): void {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    this.picked.emit(files);
  }

  protected onPicked(picker: HTMLInputElement): void {
    this.picked.emit([...(picker.files ?? [])]);
    picker.value = '';
  }
}

/** What ships as a skill comes first: a sentence can ask for it. */
const rank = ({ tool }: McpTool) => (tool.startsWith('skills.') ? 0 : 1);
