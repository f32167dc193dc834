import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  afterNextRender,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  viewChild,
} from '@angular/core';
import { toObservable, toSignal } from '@angular/core/rxjs-interop';
import { Router } from '@angular/router';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { catchError, debounceTime, distinctUntilChanged, map, of, switchMap } from 'rxjs';
import { Icon, type IconName } from '../shared/ui/icon';
import { PaletteSearch, type Place } from './palette-search';

export interface Command {
  key: string;
  icon: IconName;
  /** Further words by which it is found. */
  also?: string;
  run: () => void;
}

interface Entry {
  id: string;
  icon: IconName;
  name: string;
  /** The heading that stands above it, where it is the first under it. */
  heading: string | null;
  run: () => void;
}

const TYPING_MS = 200;
const SHORTEST = 2;

/**
 * Every command of the console by its name, and every run, conversation, agent and server by its own. A native
 * dialog: it keeps the focus in and gives it back.
 */
@Component({
  selector: 'aos-palette',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  host: { '(click)': 'onClick($event)' },
  templateUrl: './palette.html',
  styleUrl: './palette.css',
})
export class Palette {
  readonly commands = input.required<readonly Command[]>();
  readonly closed = output();
  private readonly transloco = inject(TranslocoService);
  private readonly router = inject(Router);
  private readonly search = inject(PaletteSearch);
  private readonly dialog = viewChild.required<ElementRef<HTMLDialogElement>>('dialog');
  protected readonly query = signal('');
  protected readonly chosen = linkedSignal<string, number>({
    source: this.query,
    computation: () => 0,
  });

  private readonly lists = toSignal(this.search.lists(), { initialValue: [] });
  private readonly answer = toSignal(
    toObservable(this.query).pipe(
      map((query) => query.trim()),
      distinctUntilChanged(),
      debounceTime(TYPING_MS),
      switchMap((words) =>
        words.length < SHORTEST
          ? of({ words, places: [] })
          : this.search.find(words).pipe(
              map((places) => ({ words, places })),
              catchError(() => of({ words, places: [] as Place[] })),
            ),
      ),
    ),
    { initialValue: { words: '', places: [] as Place[] } },
  );
  protected readonly isSearching = computed(() => {
    const words = this.query().trim();
    return words.length >= SHORTEST && this.answer().words !== words;
  });

  protected readonly entries = computed((): Entry[] => {
    const words = this.query().toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length === 0) return [...this.recent(), ...this.actions(this.commands(), 'actions')];
    const fits = (name: string) => words.every((word) => name.toLowerCase().includes(word));
    const commands = this.commands().filter(({ key, also = '' }) =>
      fits(`${this.transloco.translate(key)} ${key} ${also}`),
    );
    // Found by the server: whatever in them fits, fits. What is kept here is looked through here.
    const found = [...this.lists().filter(({ name }) => fits(name)), ...this.answer().places];
    return [
      ...this.actions(commands, 'actions'),
      ...(['runs', 'conversations', 'agents', 'servers'] as const).flatMap((group) =>
        this.places(
          found.filter((place) => place.group === group),
          group,
        ),
      ),
    ];
  });

  constructor() {
    afterNextRender(() => this.dialog().nativeElement.showModal());
  }

  private recent(): Entry[] {
    const entries = this.search.recent().flatMap((id): Entry[] => {
      const command = this.commands().find(({ key }) => key === id);
      if (command) return this.actions([command], null);
      const place = this.search.recentPlaces().find((one) => one.id === id);
      return place ? this.places([place], null) : [];
    });
    return entries.map((entry, index) => ({
      ...entry,
      id: `recent ${entry.id}`,
      heading: index === 0 ? 'palette.group.recent' : null,
    }));
  }

  private actions(commands: readonly Command[], group: string | null): Entry[] {
    return commands.map(({ key, icon, run }, index) => ({
      id: key,
      icon,
      name: this.transloco.translate(key),
      heading: index === 0 && group ? `palette.group.${group}` : null,
      run: () => {
        this.search.remember(key);
        run();
      },
    }));
  }

  private places(places: readonly Place[], group: string | null): Entry[] {
    return places.map((place, index) => ({
      id: place.id,
      icon: place.icon,
      name: place.name,
      heading: index === 0 && group ? `palette.group.${group}` : null,
      run: () => {
        this.search.remember(place.id, place);
        void this.router.navigateByUrl(place.url);
      },
    }));
  }

  protected onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      const count = this.entries().length;
      this.chosen.update((index) => (count === 0 ? 0 : (index + step + count) % count));
      document.getElementById(`command-${this.chosen()}`)?.scrollIntoView({ block: 'nearest' });
    } else if (event.key === 'Enter' && !event.isComposing) {
      // As it closes, the focus goes back to where it was: the same stroke would press the button there.
      event.preventDefault();
      const entry = this.entries()[this.chosen()];
      if (entry) this.run(entry);
    }
  }
  protected run(entry: Entry): void {
    this.dialog().nativeElement.close();
    entry.run();
  }

  /** A click beside the box meets the dialog itself. */
  protected onClick(event: Event): void {
    const dialog = this.dialog().nativeElement;
    if (event.target === dialog) dialog.close();
  }
}
