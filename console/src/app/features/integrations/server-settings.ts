import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { McpServerInfo, McpTool, PatchServer } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, idle } from '../../shared/api/problem';
import { Unsent } from '../../shared/forms/unsent';
import { session } from '../../shared/state/session';
import { Dialog } from '../../shared/ui/dialog';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { LimitFields } from './limit-fields';
import { linesOf } from './registration';
import {
  type Limits,
  type SignIn,
  limitFaults,
  limitsOf,
  signInFaults,
  signInOf,
  toAuth,
  toLimits,
} from './sign-in';
import { SignInFields } from './sign-in-fields';

interface Settings {
  description: string;
  url: string;
  command: string;
  /** One a line. */
  args: string;
  signIn: SignIn;
  timeoutSeconds: string;
  limits: Limits;
  idempotentTools: readonly string[];
}

const settingsOf = (server: McpServerInfo): Settings => ({
  description: server.description,
  url: server.url,
  command: server.command ?? '',
  args: server.args.join('\n'),
  signIn: signInOf(server),
  timeoutSeconds: String(server.timeoutMs / 1000),
  limits: limitsOf(server.limits),
  idempotentTools: [...server.idempotentTools].sort(),
});

/** What is sent for them: what is compared before it is saved is this, and not how it was typed. */
const wholeOf = (settings: Settings) => ({
  description: settings.description.trim(),
  url: settings.url.trim(),
  command: settings.command.trim(),
  args: linesOf(settings.args),
  auth: toAuth(settings.signIn),
  timeoutMs: Math.round(Number(settings.timeoutSeconds) * 1000),
  limits: toLimits(settings.limits),
  idempotentTools: [...settings.idempotentTools].sort(),
});
type Whole = ReturnType<typeof wholeOf>;

/** The changes from `base` to `draft` made upon `saved`. */
const upon = (saved: Settings, base: Settings, draft: Settings): Settings => ({
  ...saved,
  ...Object.fromEntries(
    Object.entries(draft).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(base[key as keyof Settings]),
    ),
  ),
});

const placeOf = ({ name }: McpServerInfo) => `server ${name}`;

/** What may be changed of a server, with the difference before it is saved; and what it was registered as. */
@Component({
  selector: 'aos-server-settings',
  imports: [
    Age,
    Dialog,
    Difference,
    LimitFields,
    ProblemNote,
    SecondPersonNote,
    SignInFields,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './server-settings.html',
  styleUrls: ['../../shared/ui/form.css', './server-settings.css'],
})
export class ServerSettings {
  readonly server = input.required<McpServerInfo>();
  readonly tools = input.required<readonly McpTool[]>();
  readonly mayWrite = input(false);
  readonly saving = input<Call>(idle);
  readonly saved = output<PatchServer>();
  protected readonly mayNameSecrets = inject(Store).selectSignal(session.selectMay('secret.write'));
  readonly removeWanted = output();

  private readonly unsent = inject(Unsent);
  private readonly asSaved = computed(() => this.server(), {
    equal: (one, other) => one.version === other.version,
  });
  /** When the settings change on the server, what was changed here stands upon those, and all else is as they say. */
  protected readonly draft = linkedSignal<McpServerInfo, Settings>({
    source: this.asSaved,
    computation: (server, before) => {
      const left = before ?? untracked(() => this.unsent.take<typeof before>(placeOf(server)));
      return left
        ? upon(settingsOf(server), settingsOf(left.source), left.value)
        : settingsOf(server);
    },
  });
  protected readonly isReviewing = signal(false);
  /** What came of an earlier try is no news when the dialog is opened again. */
  protected readonly hasSent = signal(false);
  protected readonly isBuiltIn = computed(() => this.server().transport === 'builtin');
  protected readonly isOurs = computed(
    () => this.isBuiltIn() || this.server().transport === 'agent',
  );
  /** Its place can be another one; that of a built-in server, an agent or an imported document belongs to it. */
  protected readonly hasPlace = computed(
    () => !this.isOurs() && this.server().transport !== 'openapi',
  );
  protected readonly isProcess = computed(() => this.server().transport === 'stdio');
  protected readonly before = computed(() => this.shownOf(settingsOf(this.server())));
  protected readonly after = computed(() => this.shownOf(this.draft()));
  private shownOf(settings: Settings): Partial<Whole> {
    const { url, command, args, auth, ...rest } = wholeOf(settings);
    if (!this.hasPlace()) return rest;
    return { ...(this.isProcess() ? { command, args } : { url }), auth, ...rest };
  }
  protected readonly isMoved = computed(() =>
    (['url', 'command', 'args', 'auth'] as const).some(
      (key) => JSON.stringify(this.before()[key]) !== JSON.stringify(this.after()[key]),
    ),
  );
  protected readonly signInFaults = computed(() => signInFaults(this.draft().signIn));
  protected readonly isUrlOff = computed(
    () => this.hasPlace() && !this.isProcess() && !/^https?:\/\/[^/]/.test(this.draft().url.trim()),
  );
  protected readonly isSound = computed(
    () =>
      !this.isTimeoutOff() &&
      !this.isUrlOff() &&
      (!this.hasPlace() || Object.keys(this.signInFaults()).length === 0) &&
      limitFaults(this.draft().limits).length === 0,
  );
  protected readonly secrets = signal<readonly string[]>([]);
  protected readonly isChanged = computed(
    () => JSON.stringify(this.before()) !== JSON.stringify(this.after()),
  );
  protected readonly isTimeoutOff = computed(() => {
    const seconds = Number(this.draft().timeoutSeconds);
    return !(seconds >= 0.1 && seconds <= 600);
  });
  protected readonly names = computed(() =>
    [
      ...new Set([...this.tools().map(({ name }) => name), ...this.server().idempotentTools]),
    ].sort(),
  );

  constructor() {
    this.unsent.keep(() => ({
      place: placeOf(this.server()),
      value: { source: this.asSaved(), value: this.draft() },
    }));
    if (this.mayNameSecrets())
      inject(AosApi)
        .secretNames()
        .subscribe({
          next: (names) => this.secrets.set(names),
          error: () => this.secrets.set([]), // none to choose from
        });
    effect(() => {
      if (this.saving().state === 'done') this.isReviewing.set(false);
    });
  }

  protected set<K extends keyof Settings>(key: K, value: Settings[K]): void {
    this.draft.update((draft) => ({ ...draft, [key]: value }));
  }
  protected toggle(name: string, isOn: boolean): void {
    const { idempotentTools } = this.draft();
    this.set(
      'idempotentTools',
      isOn ? [...idempotentTools, name] : idempotentTools.filter((each) => each !== name),
    );
  }
  undo(): void {
    this.draft.set(settingsOf(this.server()));
  }

  protected review(event: Event): void {
    event.preventDefault();
    if (!this.isChanged() || !this.isSound()) return;
    this.hasSent.set(false);
    this.isReviewing.set(true);
  }
  /** Only what is changed: who changes a limit need not have the right to the secret. */
  protected save(): void {
    this.hasSent.set(true);
    const before: Partial<Record<string, unknown>> = this.before();
    const changed = Object.entries(this.after()).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]),
    );
    this.saved.emit(Object.fromEntries(changed) as PatchServer);
  }
}
