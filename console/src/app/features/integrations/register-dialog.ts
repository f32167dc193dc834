import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  output,
  signal,
} from '@angular/core';
import type {
  LaunchTemplate,
  McpServerInfo,
  Proposal,
  RegisterServer,
  ServerTrial,
} from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Unsent } from '../../shared/forms/unsent';
import { session } from '../../shared/state/session';
import { Dialog } from '../../shared/ui/dialog';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { IntegrationsApi } from './integrations-api';
import { LimitFields } from './limit-fields';
import { type Draft, draftFaults, freshDraft, toRegistration } from './registration';
import { noSignIn, signInFaults } from './sign-in';
import { SignInFields } from './sign-in-fields';
import { TrialNote } from './trial-note';

const steps = ['place', 'details', 'preview'] as const;

/** Three steps: how it is reached, what belongs to it, and what it would bring, asked of the server itself. */
@Component({
  selector: 'aos-register-dialog',
  imports: [
    Dialog,
    Icon,
    LimitFields,
    ProblemNote,
    SecondPersonNote,
    SignInFields,
    TranslocoDirective,
    TrialNote,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './register-dialog.html',
  styleUrls: ['../../shared/ui/form.css', './register-dialog.css'],
})
export class RegisterDialog {
  readonly registered = output<McpServerInfo | Proposal>();
  readonly closed = output();

  private readonly api = inject(IntegrationsApi);
  private readonly shared = inject(AosApi);
  private readonly store = inject(Store);
  protected readonly mayNameSecrets = this.store.selectSignal(session.selectMay('secret.write'));

  protected readonly steps = steps;
  protected readonly transports = ['stdio', 'http', 'sse'] as const;
  private readonly unsent = inject(Unsent);
  protected readonly step = signal(0);
  protected readonly draft = signal<Draft>(this.unsent.take<Draft>('register') ?? freshDraft);
  /** Faults show once a person has tried to go on, and not while they are still typing. */
  protected readonly hasTried = signal(false);
  protected readonly templates = signal<readonly LaunchTemplate[]>([]);
  protected readonly secrets = signal<readonly string[]>([]);
  protected readonly offered = signal<Call>(loading);
  protected readonly trial = signal<ServerTrial | null>(null);
  protected readonly trying = signal<Call>(idle);
  protected readonly saving = signal<Call>(idle);

  protected readonly template = computed(() =>
    this.templates().find(({ id }) => id === this.draft().templateId),
  );
  private readonly faults = computed(() => draftFaults(this.draft(), this.template()));
  protected readonly signInFaults = computed(() => signInFaults(this.draft().signIn));
  protected readonly shownFaults = computed(() => (this.hasTried() ? this.faults() : {}));
  protected readonly registration = computed(() => toRegistration(this.draft(), this.template()));
  protected readonly isBusy = computed(
    () => this.saving().state === 'loading' || this.trying().state === 'loading',
  );

  constructor() {
    this.unsent.keep(() => ({ place: 'register', value: this.draft() }));
    this.loadTemplates();
    if (this.mayNameSecrets())
      this.shared.secretNames().subscribe({
        next: (names) => this.secrets.set(names),
        error: () => this.secrets.set([]),
      });
  }

  protected loadTemplates(): void {
    this.offered.set(loading);
    this.api.launchTemplates().subscribe({
      next: (templates) => {
        this.templates.set(templates);
        this.offered.set(done);
      },
      error: (error: unknown) => this.offered.set(failed(error)),
    });
  }

  protected set<K extends keyof Draft>(key: K, value: Draft[K]): void {
    this.draft.update((draft) => ({
      ...draft,
      // What one kind of server is signed in to with means nothing to another.
      ...(key === 'transport' && { signIn: noSignIn }),
      [key]: value,
    }));
    this.trial.set(null);
    this.trying.set(idle);
    this.saving.set(idle);
  }

  protected next(event: Event): void {
    event.preventDefault();
    if (this.isBusy()) return;
    const faults = Object.keys(this.faults());
    const first = ['name', 'url', 'templateId', 'packageName', 'args'];
    const blocks = this.step() === 0 ? faults.filter((key) => first.includes(key)) : faults;
    this.hasTried.set(blocks.length > 0);
    if (blocks.length > 0) return;
    if (this.step() < 2) this.step.update((step) => step + 1);
    else return this.save();
    if (this.step() === 2) this.test();
  }
  protected back(): void {
    this.step.update((step) => step - 1);
  }

  protected test(): void {
    this.trying.set(loading);
    this.trial.set(null);
    const asked = this.registration();
    this.api.tryNew(asked).subscribe({
      next: (trial) => {
        if (this.registration() !== asked) return;
        this.trial.set(trial);
        this.trying.set(done);
      },
      error: (error: unknown) => this.trying.set(failed(error)),
    });
  }

  private save(): void {
    this.saving.set(loading);
    const registration: RegisterServer = this.registration();
    this.api.register(registration).subscribe({
      next: (server) => this.registered.emit(server),
      error: (error: unknown) => this.saving.set(failed(error)),
    });
  }

  protected toggleIdempotent(name: string, isOn: boolean): void {
    this.draft.update((draft) => ({
      ...draft,
      idempotentTools: isOn
        ? [...draft.idempotentTools, name]
        : draft.idempotentTools.filter((each) => each !== name),
    }));
  }
}
