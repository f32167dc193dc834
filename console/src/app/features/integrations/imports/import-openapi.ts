import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { McpServerInfo, OpenApiImport, Proposal } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { type Call, failed, idle, loading } from '../../../shared/api/problem';
import { Unsent } from '../../../shared/forms/unsent';
import { session } from '../../../shared/state/session';
import { Dialog } from '../../../shared/ui/dialog';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { Revealed } from '../../../shared/ui/revealed';
import { isProposal } from '../../../shared/proposals/is-proposal';
import { SecondPersonNote } from '../../../shared/proposals/second-person-note';
import { IntegrationsApi } from '../integrations-api';
import { type DroppedFile, FileDrop } from './file-drop';
import {
  type OpenApiDraft,
  freshOpenApi,
  nameFrom,
  openApiFaults,
  toOpenApiImport,
} from './openapi-draft';
import { Sentences } from '../../../shared/i18n/sentences';

/** A REST service as a tool server: where its document is, then which of its operations become tools. */
@Component({
  selector: 'aos-import-openapi',
  imports: [Dialog, FileDrop, Icon, ProblemNote, Revealed, SecondPersonNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './import-openapi.html',
  styleUrls: ['../../../shared/ui/form.css', './import.css'],
})
export class ImportOpenApiDialog {
  protected readonly sentences = inject(Sentences);
  readonly registered = output<McpServerInfo | Proposal>();
  readonly closed = output();

  private readonly api = inject(IntegrationsApi);
  private readonly shared = inject(AosApi);
  protected readonly mayNameSecrets = inject(Store).selectSignal(session.selectMay('secret.write'));

  protected readonly sources = ['address', 'text'] as const;
  protected readonly places = ['bearer', 'header', 'query'] as const;
  private readonly unsent = inject(Unsent);
  protected readonly draft = signal(this.unsent.take<OpenApiDraft>('openapi') ?? freshOpenApi);
  private readonly hasNamed = signal(false);
  private readonly hasTried = signal(false);
  protected readonly faults = computed(() => (this.hasTried() ? openApiFaults(this.draft()) : {}));
  protected readonly secrets = signal<readonly string[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly preview = signal<OpenApiImport | null>(null);
  protected readonly query = signal('');
  protected readonly chosen = linkedSignal<OpenApiImport | null, ReadonlySet<string>>({
    source: this.preview,
    computation: (preview) => new Set(preview?.tools.map(({ name }) => name)),
  });
  protected readonly tools = computed(() => {
    const words = this.query().toLowerCase().split(/\s+/).filter(Boolean);
    return (this.preview()?.tools ?? []).filter((tool) => {
      const all = `${tool.name} ${tool.method} ${tool.path} ${tool.title}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
  });
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  constructor() {
    this.unsent.keep(() => ({ place: 'openapi', value: this.draft() }));
    if (this.mayNameSecrets())
      this.shared.secretNames().subscribe({
        next: (names) => this.secrets.set(names),
        error: () => this.secrets.set([]), // none to choose from
      });
  }

  protected set<K extends keyof OpenApiDraft>(key: K, value: OpenApiDraft[K]): void {
    if (key === 'name') this.hasNamed.set(value !== '');
    this.draft.update((draft) => ({ ...draft, [key]: value }));
    if (key === 'address') this.nameAfter(value);
    this.call.set(idle);
  }
  protected take({ name, text }: DroppedFile): void {
    this.set('text', text);
    this.nameAfter(name);
  }
  /** Until a person has named it. */
  private nameAfter(source: string): void {
    if (!this.hasNamed()) this.draft.update((draft) => ({ ...draft, name: nameFrom(source) }));
  }

  protected async look(event: Event): Promise<void> {
    event.preventDefault();
    this.hasTried.set(true);
    if (this.isBusy() || Object.keys(openApiFaults(this.draft())).length > 0) return;
    this.call.set(loading);
    try {
      const asked = toOpenApiImport(this.draft(), true);
      // A look proposes nothing.
      this.preview.set((await firstValueFrom(this.api.importOpenApi(asked))) as OpenApiImport);
      this.call.set(idle);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
  protected back(): void {
    this.preview.set(null);
    this.call.set(idle);
  }
  protected toggle(name: string, isOn: boolean): void {
    this.chosen.update((chosen) => {
      const next = new Set(chosen);
      if (isOn) next.add(name);
      else next.delete(name);
      return next;
    });
  }
  /** Of those in sight. */
  protected toggleAll(isOn: boolean): void {
    for (const { name } of this.tools()) this.toggle(name, isOn);
  }

  protected async add(): Promise<void> {
    if (this.isBusy()) return;
    this.call.set(loading);
    try {
      const all = this.preview()?.tools.length ?? 0;
      const chosen = [...this.chosen()];
      const asked = toOpenApiImport(this.draft(), false, chosen.length < all ? chosen : undefined);
      const answer = await firstValueFrom(this.api.importOpenApi(asked));
      const added = isProposal(answer) ? answer : answer.server;
      if (added) this.registered.emit(added);
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
