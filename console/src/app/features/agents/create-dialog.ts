import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { Agent, AgentTemplate, McpTool } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { AgentPrompt } from './agent-prompt';
import { type Draft, configOf, draftOf } from './agent-store';
import { AgentsApi } from './agents-api';
import { NamePicker } from './name-picker';
import { Sentences } from '../../shared/i18n/sentences';
import { sopFaults } from './sop';
import { ToolPicker } from './tool-picker';

const steps = ['template', 'prompt', 'tools', 'environment', 'review'] as const;
const names = /^[a-z][a-z0-9-]{0,39}$/;

/** An agent in five steps, from a template or as a copy of another one. */
@Component({
  selector: 'aos-create-dialog',
  imports: [AgentPrompt, Dialog, NamePicker, ProblemNote, ToolPicker, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './create-dialog.html',
  styleUrls: ['../../shared/ui/form.css', './create-dialog.css'],
})
export class CreateDialog {
  /** The agent to make a copy of. */
  readonly model = input<Agent | null>(null);
  readonly created = output<Agent>();
  readonly closed = output();

  private readonly api = inject(AgentsApi);
  private readonly shared = inject(AosApi);
  private readonly mayReadSecrets = inject(Store).selectSignal(session.selectMay('secret.read'));

  protected readonly steps = steps;
  protected readonly step = signal(0);
  protected readonly name = signal('');
  protected readonly template = signal<string | null>(null);
  protected readonly draft = signal<Draft | null>(null);
  protected readonly hasTried = signal(false);
  protected readonly templates = signal<readonly AgentTemplate[]>([]);
  protected readonly tools = signal<readonly McpTool[]>([]);
  protected readonly secrets = signal<readonly string[] | null>(null);
  protected readonly saving = signal<Call>(idle);

  protected readonly isNameOff = computed(() => !names.test(this.name()));
  protected readonly config = computed(() => {
    const draft = this.draft();
    return draft ? configOf(draft) : null;
  });
  protected readonly problem = computed(() => {
    const call = this.saving();
    return call.state === 'failed' ? call.problem : null;
  });
  protected readonly sentences = inject(Sentences);
  protected readonly faults = computed(() => sopFaults(this.problem(), this.sentences));
  protected readonly mayGoOn = computed(() => this.step() !== 1 || this.config() !== null);

  constructor() {
    effect(() => {
      const model = this.model();
      untracked(() => {
        if (!model) return;
        this.name.set(`${model.name}-copy`.slice(0, 40));
        this.draft.set(draftOf(model.config));
      });
    });
    this.api.templates().subscribe({
      next: (templates) => {
        this.templates.set(templates);
        const first = templates[0];
        if (first && !this.draft()) this.choose(first);
      },
      error: (error: unknown) => this.saving.set(failed(error)),
    });
    this.api.tools().subscribe({
      next: (tools) => this.tools.set(tools),
      error: () => this.tools.set([]),
    });
    if (this.mayReadSecrets())
      this.shared.secretNames().subscribe({
        next: (all) => this.secrets.set(all),
        error: () => this.secrets.set(null),
      });
  }

  protected choose(template: AgentTemplate): void {
    this.template.set(template.name);
    this.draft.set(draftOf(template.config));
  }
  protected set<K extends keyof Draft>(key: K, value: Draft[K]): void {
    this.draft.update((draft) => draft && { ...draft, [key]: value });
    this.saving.set(idle);
  }

  protected goTo(step: number): void {
    if (step < this.step()) this.step.set(step);
  }
  protected next(event: Event): void {
    event.preventDefault();
    this.hasTried.set(this.isNameOff());
    if (this.isNameOff() || !this.mayGoOn() || !this.draft()) return;
    if (this.step() < steps.length - 1) this.step.update((step) => step + 1);
    else this.save();
  }

  private save(): void {
    const config = this.config();
    if (!config) return;
    this.saving.set(loading);
    const template = this.model() ? null : this.template();
    this.api
      .create({ name: this.name(), type: 'local', config, ...(template && { template }) })
      .subscribe({
        next: (agent) => this.created.emit(agent),
        error: (error: unknown) => this.saving.set(failed(error)),
      });
  }
}
