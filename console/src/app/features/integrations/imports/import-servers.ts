import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { ImportedServer, ServersImport } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, failed, idle, loading } from '../../../shared/api/problem';
import { Unsent } from '../../../shared/forms/unsent';
import { session } from '../../../shared/state/session';
import { CodeEditor } from '../../../shared/ui/code-editor';
import { Dialog } from '../../../shared/ui/dialog';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { Revealed } from '../../../shared/ui/revealed';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { isProposal } from '../../../shared/proposals/is-proposal';
import { SecondPersonNote } from '../../../shared/proposals/second-person-note';
import { IntegrationsApi } from '../integrations-api';
import { FileDrop } from './file-drop';
import { readSettings, serversOf } from './settings-text';
import { Sentences } from '../../../shared/i18n/sentences';

const tones: Record<ImportedServer['outcome'], Tone> = {
  add: 'done',
  'needs-secret': 'waiting',
  refused: 'failed',
};

/**
 * Servers from the settings of another program, in three steps: the text, what would come of each entry, and what
 * came of it. Values that may be secrets stay in the text: an entry that has one asks for the name of a secret.
 */
@Component({
  selector: 'aos-import-servers',
  imports: [
    CodeEditor,
    Dialog,
    FileDrop,
    Icon,
    ProblemNote,
    Revealed,
    RouterLink,
    SecondPersonNote,
    StateMark,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './import-servers.html',
  styleUrls: ['../../../shared/ui/form.css', './import.css'],
})
export class ImportServersDialog {
  protected readonly sentences = inject(Sentences);
  /** Something was added: the list behind the dialog is another one. */
  readonly added = output();
  readonly closed = output();

  private readonly api = inject(IntegrationsApi);
  private readonly shared = inject(AosApi);
  protected readonly mayNameSecrets = inject(Store).selectSignal(session.selectMay('secret.write'));

  protected readonly tones = tones;
  private readonly unsent = inject(Unsent);
  protected readonly text = signal(this.unsent.take<string>('import') ?? '');
  protected readonly read = computed(() =>
    this.text().trim() === '' ? null : readSettings(this.text()),
  );
  protected readonly faults = computed(() => {
    const read = this.read();
    return read && 'faults' in read ? read.faults : [];
  });
  protected readonly preview = signal<ServersImport | null>(null);
  protected readonly result = signal<ServersImport | null>(null);
  protected readonly step = computed(() => (this.result() ? 2 : this.preview() ? 1 : 0));
  protected readonly call = signal<Call>(idle);
  protected readonly names = signal<readonly string[]>([]);
  protected readonly secrets = signal<Readonly<Record<string, string>>>({});
  /** By entry; whatever can be added is, unless a person says otherwise. */
  private readonly left = signal<ReadonlySet<string>>(new Set());
  protected readonly chosen = linkedSignal(() =>
    (this.preview()?.items ?? [])
      .filter(({ outcome, entry }) => outcome === 'add' && !this.left().has(entry))
      .map(({ entry }) => entry),
  );
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  constructor() {
    this.unsent.keep(() => (this.result() ? null : { place: 'import', value: this.text() }));
    if (this.mayNameSecrets())
      this.shared.secretNames().subscribe({
        next: (names) => this.names.set(names),
        error: () => this.names.set([]), // none to choose from; the entry says what it wants
      });
  }

  protected async look(): Promise<void> {
    const read = this.read();
    if (!read || !('document' in read)) return;
    this.call.set(loading);
    try {
      const asked = { ...serversOf(read.document), secrets: this.secrets(), preview: true };
      // A look proposes nothing.
      this.preview.set((await firstValueFrom(this.api.importServers(asked))) as ServersImport);
      this.call.set(idle);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** What an entry becomes with a secret is the server's to say. */
  protected name(entry: string, secret: string): void {
    this.secrets.update(({ [entry]: _, ...rest }) =>
      secret ? { ...rest, [entry]: secret } : rest,
    );
    void this.look();
  }
  protected toggle(entry: string, isOn: boolean): void {
    this.left.update((left) => {
      const next = new Set(left);
      if (isOn) next.delete(entry);
      else next.add(entry);
      return next;
    });
  }
  protected back(): void {
    this.preview.set(null);
    this.call.set(idle);
  }

  protected async add(): Promise<void> {
    const read = this.read();
    if (!read || !('document' in read) || this.isBusy()) return;
    this.call.set(loading);
    try {
      const include = this.chosen();
      const secrets = Object.fromEntries(
        Object.entries(this.secrets()).filter(([entry]) => include.includes(entry)),
      );
      const asked = { ...serversOf(read.document), include, secrets, preview: false };
      const answer = await firstValueFrom(this.api.importServers(asked));
      if (isProposal(answer)) return this.closed.emit(); // they wait above the list
      this.result.set(answer);
      this.call.set(idle);
      this.added.emit();
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected placeOf({ server }: ImportedServer): string {
    if (!server) return '';
    return server.url ?? [server.command ?? '', ...server.args].join(' ');
  }
}
