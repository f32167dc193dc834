import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import type { Agent, Problem } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { AosApi } from '../../shared/api/aos-api';
import { type Call, done, failed, idle, loading, toProblem } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { Icon } from '../../shared/ui/icon';
import { ProblemNote } from '../../shared/ui/problem-note';
import { StateMark, type Tone } from '../../shared/ui/state-mark';

const tones: Record<Agent['status'], Tone> = {
  running: 'running',
  stopped: 'idle',
  draining: 'recovering',
  failed: 'failed',
};

@Component({
  selector: 'aos-agents-page',
  imports: [Icon, ProblemNote, StateMark, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="page" *transloco="let t">
      <header>
        <h1>{{ t('rooms.agents') }}</h1>
        <span class="grow"></span>
        <button class="btn" type="button" [disabled]="call().state === 'loading'" (click)="load()">
          <aos-icon name="retry" [size]="14" />{{ t('ui.reload') }}
        </button>
      </header>
      <p class="muted lead">{{ t('agents.lead') }}</p>
      @if (problem(); as problem) {
        <aos-problem [problem]="problem" />
      }
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'done' && agents().length === 0) {
          <p class="empty muted">{{ t('agents.none') }}</p>
        }
      }
      <ul>
        @for (agent of agents(); track agent.id) {
          <li>
            <div class="line">
              <aos-state [tone]="tones[agent.status]" [word]="'agents.status.' + agent.status" />
              <h2>{{ agent.name }}</h2>
              <span class="meta">{{ agent.version }}</span>
              @if (agent.registered) {
                <span class="meta pill" [title]="t('agents.registeredHelp')">{{
                  t('agents.registered')
                }}</span>
              }
              <span class="grow"></span>
              @if (mayOperate()) {
                @if (agent.status === 'running') {
                  <button
                    class="btn small"
                    type="button"
                    [disabled]="busy() === agent.id"
                    (click)="stop(agent)"
                  >
                    <aos-icon name="stop" [size]="13" />{{ t('agents.stop') }}
                  </button>
                } @else if (agent.status !== 'draining') {
                  <button
                    class="btn small"
                    type="button"
                    [disabled]="busy() === agent.id"
                    (click)="start(agent)"
                  >
                    <aos-icon name="play" [size]="13" />{{ t('agents.start') }}
                  </button>
                }
              }
            </div>
            @if (agent.config.prompt) {
              <p class="muted prompt">{{ agent.config.prompt }}</p>
            }
            <p class="meta num">
              {{ t('agents.load', { running: agent.load.running, queued: agent.load.queued }) }} ·
              {{ t('agents.replicas', { n: agent.replicas }) }} ·
              {{ t('agents.tools', { n: agent.config.tools.length }) }}
            </p>
            @if (agent.config.tools.length) {
              <p class="tools">
                @for (tool of agent.config.tools; track tool) {
                  <code>{{ tool }}</code>
                }
              </p>
            }
            @if (agent.lastError) {
              <p class="fault">{{ agent.lastError }}</p>
            }
          </li>
        }
      </ul>
    </div>
  `,
  styles: `
    header {
      display: flex;
      align-items: center;
    }
    .lead {
      margin: 2px 0 16px;
    }
    ul {
      display: flex;
      flex-direction: column;
      gap: 8px;
      max-width: 960px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    li {
      display: flex;
      flex-direction: column;
      gap: 4px;
      padding: 12px 16px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
    }
    .line {
      display: flex;
      align-items: center;
      gap: 12px;
      min-height: 26px;
    }
    .pill {
      padding: 1px 8px;
      border: 1px solid var(--line);
      border-radius: 999px;
    }
    .prompt {
      display: -webkit-box;
      -webkit-line-clamp: 2;
      -webkit-box-orient: vertical;
      overflow: hidden;
      max-width: 80ch;
    }
    .tools {
      display: flex;
      flex-wrap: wrap;
      gap: 4px;
    }
    .tools code {
      padding: 1px 6px;
      border-radius: 4px;
      background: var(--sunken);
    }
    .fault {
      color: var(--failed);
      overflow-wrap: anywhere;
    }
    .empty {
      padding: 48px 0;
      text-align: center;
    }
  `,
})
export class AgentsPage {
  private readonly api = inject(AosApi);
  protected readonly mayOperate = inject(Store).selectSignal(session.selectMay('agent.operate'));
  protected readonly agents = signal<Agent[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly busy = signal<string | null>(null);
  protected readonly problem = signal<Problem | null>(null);
  protected readonly tones = tones;

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      this.agents.set((await firstValueFrom(this.api.agents())).items);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected start(agent: Agent): Promise<void> {
    return this.operate(agent, () => firstValueFrom(this.api.startAgent(agent.id)));
  }
  protected stop(agent: Agent): Promise<void> {
    return this.operate(agent, () => firstValueFrom(this.api.stopAgent(agent.id)));
  }

  private async operate({ id }: Agent, work: () => Promise<Agent>): Promise<void> {
    this.busy.set(id);
    this.problem.set(null);
    try {
      const changed = await work();
      this.agents.update((all) => all.map((agent) => (agent.id === id ? changed : agent)));
    } catch (error) {
      this.problem.set(toProblem(error));
    } finally {
      this.busy.set(null);
    }
  }
}
