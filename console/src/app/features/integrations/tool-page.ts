import {
  ChangeDetectionStrategy,
  Component,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { CallAnswer, McpTool, RecentCall, ToolReport } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import type { Subscription } from 'rxjs';
import { type Call, type Problem, done, failed, idle, loading } from '../../shared/api/problem';
import { toProblem } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { keepFresh } from '../../shared/realtime/keep-fresh';
import { session } from '../../shared/state/session';
import { Beside } from '../../shared/ui/beside';
import { CopyButton } from '../../shared/ui/copy-button';
import { Icon } from '../../shared/ui/icon';
import { JsonTree } from '../../shared/ui/json-tree';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Revealed } from '../../shared/ui/revealed';
import { SidePanel } from '../../shared/ui/side-panel';
import { CallDetail } from './call-detail';
import { CallsStore } from './calls-store';
import { IntegrationsApi } from './integrations-api';
import { LiveGauges, type Pace } from './live-gauges';
import { RecentCalls } from './recent-calls';
import { ToolTry } from './tool-try';

/** One tool: what it says of itself, a form to try it, and how it was called of late. */
@Component({
  selector: 'aos-tool-page',
  imports: [
    CallDetail,
    CopyButton,
    Icon,
    JsonTree,
    LiveGauges,
    ProblemNote,
    RecentCalls,
    Revealed,
    RouterLink,
    SidePanel,
    ToolTry,
    TranslocoDirective,
  ],
  providers: [CallsStore],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './tool-page.html',
  styleUrl: './tool-page.css',
})
export class ToolPage {
  readonly server = input.required<string>();
  readonly tool = input.required<string>();
  readonly at = input<string>();

  private readonly api = inject(IntegrationsApi);
  private readonly beside = inject(Beside);
  private readonly store = inject(Store);
  protected readonly sentences = inject(Sentences);
  protected readonly calls = inject(CallsStore);
  protected readonly mayCall = this.store.selectSignal(session.selectMay('tool.call'));
  protected readonly mayReadCalls = this.store.selectSignal(session.selectMay('task.read'));

  protected readonly definition = signal<McpTool | null>(null);
  protected readonly report = signal<ToolReport | null>(null);
  protected readonly pace = computed((): Pace => {
    const {
      calls = 0,
      failed: errors = 0,
      p50Ms = null,
      p95Ms = null,
    } = this.report()?.activity ?? {};
    return { calls, failed: errors, p50Ms, p95Ms, window: 'day' };
  });
  protected readonly call = signal<Call>(loading);
  protected readonly trying = signal<Call>(idle);
  protected readonly answer = signal<CallAnswer | null>(null);
  protected readonly problem = computed((): Problem | null => {
    const call = this.trying();
    return call.state === 'failed' ? call.problem : null;
  });
  protected readonly openCall = computed(
    () => this.calls.rows().find(({ id }) => id === this.at()) ?? null,
  );

  constructor() {
    effect(() => {
      const [server, tool] = [this.server(), this.tool()];
      untracked(() => {
        this.definition.set(null);
        this.report.set(null);
        this.answer.set(null);
        this.trying.set(idle);
        this.load();
        this.look();
        if (this.mayReadCalls()) this.calls.show(server, tool);
      });
    });
    keepFresh(() => {
      this.calls.refresh();
      return [this.look()];
    });
  }

  /** As it does now; without an answer the last one stands, and the next look is not far. */
  private look(): Subscription {
    const [server, tool] = [this.server(), this.tool()];
    return this.api.toolReport(server, tool).subscribe({
      next: (report) => {
        if (server === this.server() && tool === this.tool()) this.report.set(report);
      },
      error: () => undefined,
    });
  }

  protected load(): void {
    this.call.set(loading);
    const [server, tool] = [this.server(), this.tool()];
    this.api.tool(server, tool).subscribe({
      next: (definition) => {
        this.definition.set(definition);
        if (definition) this.call.set(done);
        else this.lookWhy(server, tool);
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }

  /** A tool that is not offered is gone, or off until somebody has looked at its definition. */
  private lookWhy(server: string, tool: string): void {
    this.api.toolReport(server, tool).subscribe({
      next: ({ pin }) => {
        const isHeld = pin.state !== 'pinned';
        this.call.set({ state: 'failed', problem: missing(server, tool, isHeld) });
      },
      error: (error: unknown) => this.call.set(failed(error)),
    });
  }

  protected try({ args, isDry }: { args: Record<string, unknown>; isDry: boolean }): void {
    if (this.trying().state === 'loading') return;
    this.trying.set(loading);
    this.answer.set(null);
    const [server, tool] = [this.server(), this.tool()];
    const asked = isDry
      ? this.api.wouldCall(server, tool, args)
      : this.api.call(server, tool, args);
    asked.subscribe({
      next: (answer) => {
        this.answer.set(answer);
        this.trying.set(done);
        this.calls.refresh();
        this.look();
      },
      error: (error: unknown) => {
        this.trying.set({ state: 'failed', problem: toProblem(error) });
        this.calls.refresh();
      },
    });
  }

  protected openDetail(row: RecentCall | null): void {
    this.beside.show('at', row?.id ?? null);
  }
}

const missing = (server: string, tool: string, isHeld: boolean): Problem => ({
  type: 'about:blank',
  code: isHeld ? 'tool_quarantined' : 'unknown_tool',
  status: isHeld ? 409 : 404,
  title: isHeld ? 'The definition of the tool waits for approval' : 'There is no such tool',
  detail: `${server}.${tool}`,
  traceId: '',
});
