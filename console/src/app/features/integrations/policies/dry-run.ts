import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  Injector,
  afterNextRender,
  computed,
  effect,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { Router } from '@angular/router';
import type { CallFinding, ForeseenCall, McpTool, PolicyDocument, Project } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { type FormFault, schemaFaults } from '../../../shared/forms/schema-faults';
import { SchemaForm } from '../../../shared/forms/schema-form';
import { SchemaReader, isWords } from '../../../shared/forms/schema-reader';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { IntegrationsApi } from '../integrations-api';
import { foreseenIn } from '../foreseen';
import { Findings } from './findings';

interface Answer {
  outcome: 'stop' | 'ask' | 'call';
  links: readonly CallFinding[];
  /** Only for whoever may change the rules: what the saved ones and the draft decide. */
  decisions: Pick<ForeseenCall, 'before' | 'after'> | null;
}

/**
 * What would become of a call, asked of the server and made by nobody. Who may change the rules asks for any role or
 * agent, by the draft; anybody else for themselves, by the rules as they are saved. What was answered stands until
 * the question or the draft is another one.
 */
@Component({
  selector: 'aos-dry-run',
  imports: [Findings, Icon, ProblemNote, SchemaForm, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './dry-run.html',
  styleUrl: './dry-run.css',
})
export class DryRun {
  readonly draft = input.required<PolicyDocument>();
  readonly isDraft = input(false);
  /** May ask by a draft, and for others. */
  readonly mayWrite = input(false);
  readonly tools = input.required<readonly McpTool[]>();
  readonly roles = input<readonly string[]>([]);
  readonly agents = input<readonly string[]>([]);
  readonly projects = input<readonly Project[]>([]);
  /** From the address: `server.tool`, `role:<name>` or `agent:<name>`, and the id of a project. */
  readonly tool = input('');
  readonly caller = input('');
  readonly project = input('');
  /** The rule that decides by the draft, while an answer stands. */
  readonly decided = output<string | null>();

  private readonly api = inject(IntegrationsApi);
  private readonly router = inject(Router);
  private readonly injector = inject(Injector);
  private readonly answered = viewChild<ElementRef<HTMLElement>>('answered');
  protected readonly call = signal<Call>(idle);
  protected readonly answer = signal<Answer | null>(null);
  protected readonly sides = ['before', 'after'] as const;
  protected readonly isBroken = signal(false);
  private readonly hasTried = signal(false);

  protected readonly chosen = computed(() => this.tools().find(({ tool }) => tool === this.tool()));
  private readonly reader = computed(() => new SchemaReader(this.chosen()?.inputSchema ?? {}));
  protected readonly args = linkedSignal<string, unknown>({
    source: computed(() => this.chosen()?.tool ?? ''),
    computation: () => {
      const reader = untracked(this.reader);
      return reader.start(reader.root) ?? {};
    },
  });
  protected readonly faults = computed((): FormFault[] =>
    this.hasTried() ? schemaFaults(this.reader(), this.args()) : [],
  );

  constructor() {
    effect(() => {
      this.draft();
      this.tool();
      this.caller();
      this.project();
      untracked(() => this.forget());
    });
  }

  protected ask(key: 'tool' | 'caller' | 'project', value: string): void {
    void this.router.navigate([], {
      queryParams: { [key]: value || null },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  /** A tool typed whole is chosen; half of one is not yet. */
  protected typeTool(text: string): void {
    if (text === '' || this.tools().some(({ tool }) => tool === text)) this.ask('tool', text);
  }
  protected change(args: unknown): void {
    this.args.set(args);
    this.forget();
  }
  private forget(): void {
    this.answer.set(null);
    this.call.set(idle);
    this.decided.emit(null);
  }

  /** Arguments with faults are sent as well: what the links say of them is part of the answer. */
  protected async run(event: Event): Promise<void> {
    event.preventDefault();
    const [tool, args] = [this.chosen(), this.args()];
    if (!tool || !isWords(args) || this.isBroken() || this.call().state === 'loading') return;
    this.hasTried.set(true);
    this.call.set(loading);
    try {
      const asked = this.draft();
      const answer = this.mayWrite()
        ? await this.foresee(tool, args)
        : await this.askForMyself(tool, args);
      if (asked !== this.draft() || tool !== this.chosen()) return;
      this.answer.set(answer);
      this.decided.emit(answer?.decisions?.after.rule ?? null);
      this.call.set(done);
      afterNextRender(() => this.answered()?.nativeElement.scrollIntoView({ block: 'nearest' }), {
        injector: this.injector,
      });
    } catch (error) {
      this.answer.set(null);
      this.call.set(failed(error));
    }
  }

  private async foresee(
    { server, name }: McpTool,
    args: Record<string, unknown>,
  ): Promise<Answer | null> {
    const [kind, ...rest] = this.caller().split(':');
    const who = rest.join(':');
    const { call } = await firstValueFrom(
      this.api.previewPolicies({
        document: this.draft(),
        call: {
          ...{ server, tool: name, args },
          roles: kind === 'role' ? [who] : [],
          ...(kind === 'agent' && { agent: who }),
          projectId: this.project() || null,
        },
      }),
    );
    return call && { ...call, decisions: { before: call.before, after: call.after } };
  }

  private async askForMyself(
    { server, name }: McpTool,
    args: Record<string, unknown>,
  ): Promise<Answer | null> {
    const foreseen = foreseenIn(await firstValueFrom(this.api.wouldCall(server, name, args)));
    return foreseen && { ...foreseen, decisions: null };
  }
}
