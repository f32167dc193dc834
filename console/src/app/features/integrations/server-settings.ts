import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { McpServerInfo, McpTool, PatchServer } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { type Call, idle } from '../../shared/api/problem';
import { Dialog } from '../../shared/ui/dialog';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age } from '../../shared/ui/time';

interface Settings {
  description: string;
  timeoutSeconds: string;
  idempotentTools: readonly string[];
}

const settingsOf = (server: McpServerInfo): Settings => ({
  description: server.description,
  timeoutSeconds: String(server.timeoutMs / 1000),
  idempotentTools: [...server.idempotentTools].sort(),
});

/** What may be changed of a server, with the difference before it is saved; and what it was registered as. */
@Component({
  selector: 'aos-server-settings',
  imports: [Age, Dialog, Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './server-settings.html',
  styleUrl: './server-settings.css',
})
export class ServerSettings {
  readonly server = input.required<McpServerInfo>();
  readonly tools = input.required<readonly McpTool[]>();
  readonly mayWrite = input(false);
  readonly saving = input<Call>(idle);
  readonly saved = output<PatchServer>();
  readonly removeWanted = output();

  /** A draft lasts until the settings change on the server; then it begins anew from those. */
  private readonly version = computed(() => this.server().version);
  protected readonly draft = linkedSignal<number, Settings>({
    source: this.version,
    computation: () => settingsOf(untracked(this.server)),
  });
  protected readonly isReviewing = signal(false);
  protected readonly isBuiltIn = computed(() => this.server().transport === 'builtin');
  protected readonly isOurs = computed(
    () => this.isBuiltIn() || this.server().transport === 'agent',
  );
  protected readonly before = computed(() => settingsOf(this.server()));
  protected readonly after = computed((): Settings => ({
    ...this.draft(),
    description: this.draft().description.trim(),
    idempotentTools: [...this.draft().idempotentTools].sort(),
  }));
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
  protected undo(): void {
    this.draft.set(settingsOf(this.server()));
  }

  protected review(event: Event): void {
    event.preventDefault();
    if (this.isChanged() && !this.isTimeoutOff()) this.isReviewing.set(true);
  }
  protected save(): void {
    const [before, after] = [this.before(), this.after()];
    this.saved.emit({
      ...(after.description !== before.description && { description: after.description }),
      ...(after.timeoutSeconds !== before.timeoutSeconds && {
        timeoutMs: Math.round(Number(after.timeoutSeconds) * 1000),
      }),
      ...(after.idempotentTools.join() !== before.idempotentTools.join() && {
        idempotentTools: [...after.idempotentTools],
      }),
    });
  }
}
