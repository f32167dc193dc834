import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  afterRenderEffect,
  computed,
  effect,
  inject,
  input,
  signal,
  untracked,
  viewChild,
} from '@angular/core';
import { ActivatedRoute, Router, RouterLink } from '@angular/router';
import { toSignal } from '@angular/core/rxjs-interop';
import type { LogLine } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { ServerEvents } from '../../shared/realtime/server-events';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { type Language, Preferences } from '../../shared/ui/preferences';
import { Revealed } from '../../shared/ui/revealed';
import { exactTime } from '../../shared/ui/time';
import { AgentsApi } from './agents-api';

const levels = ['debug', 'info', 'warn', 'error'] as const;
const MOST_LINES = 1_000;
/** Lines that come within this time of each other are shown together. */
const GATHER_MS = 80;
/** The server begins with the last lines; when none have come by then, there are none. */
const SILENCE_MS = 500;

const clock = (at: string, language: Language) =>
  new Date(at).toLocaleTimeString(language === 'zh' ? 'zh-CN' : 'en-GB', { hour12: false });

/** What an agent writes while it works, live; held still while someone reads, and nothing is lost by that. */
@Component({
  selector: 'aos-agent-logs',
  imports: [Icon, Revealed, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="bar">
        <span [class]="'line ' + line()" role="status">
          <aos-icon [name]="line() === 'live' ? 'running' : 'recovering'" [size]="14" />{{
            t('agents.line.' + line())
          }}
        </span>
        <div class="levels" role="group" [attr.aria-label]="t('agents.level')">
          @for (name of levels; track name) {
            <button
              class="chip"
              type="button"
              [attr.aria-pressed]="level() === name"
              (click)="choose(name)"
            >
              {{ t('agents.levels.' + name) }}
            </button>
          }
        </div>
        <span class="grow"></span>
        <button class="btn small" type="button" (click)="toggle()">
          <aos-icon [name]="isPaused() ? 'play' : 'waiting'" [size]="13" />{{
            isPaused()
              ? held() > 0
                ? t('agents.resumeN', { n: held() })
                : t('agents.resume')
              : t('agents.pause')
          }}
        </button>
      </div>
      <div
        #box
        class="lines"
        role="log"
        tabindex="0"
        aria-live="off"
        [attr.aria-label]="t('agents.tab.logs')"
        (scroll)="onScroll()"
      >
        @for (each of shown(); track each.id) {
          <div [class]="'entry ' + each.level">
            <time class="num" [attr.datetime]="each.at" [title]="exact(each.at)">{{
              clock(each.at)
            }}</time>
            <span class="level">{{ t('agents.levels.' + each.level) }}</span>
            <code class="logger">{{ each.logger }}</code>
            <span class="message"
              ><aos-revealed [text]="sentences.of(each.attributes['said'], each.message)"
            /></span>
            @if (each.traceId; as traceId) {
              @if (each.id.startsWith('e')) {
                <a [routerLink]="['/projects', 'runs', traceId]">{{ t('agents.run') }}</a>
              } @else {
                <a [routerLink]="['/monitor', 'traces', traceId]">{{ t('agents.trace') }}</a>
              }
            }
          </div>
        } @empty {
          @if (hasListened()) {
            <p class="none muted">
              {{ lines().length ? t('agents.noLinesOfLevel') : t('agents.noLines') }}
            </p>
          } @else {
            @for (n of [1, 2, 3, 4]; track n) {
              <div class="skeleton" aria-hidden="true"></div>
            }
          }
        }
      </div>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex: 1 1 auto;
      flex-direction: column;
      gap: 8px;
      min-height: 240px;
    }
    .bar {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 8px 16px;
    }
    .line {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      font-size: 12px;
      font-weight: 550;
      color: var(--recovering);
    }
    .line.live {
      color: var(--running);
    }
    .levels {
      display: flex;
      gap: 2px;
    }
    .lines {
      flex: 1 1 0;
      min-height: 0;
      overflow: auto;
      padding: 6px 0;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
      font-size: 12px;
      line-height: 18px;
    }
    .entry {
      display: grid;
      grid-template-columns: 64px 52px 168px minmax(0, 1fr) auto;
      gap: 0 10px;
      align-items: baseline;
      padding: 2px 12px;
    }
    .entry:hover {
      background: var(--hover);
    }
    time,
    .level {
      color: var(--muted);
    }
    .logger {
      overflow: hidden;
      color: var(--muted);
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .message {
      min-width: 0;
      overflow-wrap: anywhere;
    }
    .warn .level {
      color: var(--waiting);
    }
    .error .level,
    .error .message {
      color: var(--failed);
    }
    .none {
      padding: 32px;
      text-align: center;
    }
    .skeleton {
      height: 10px;
      margin: 8px 12px;
      border-radius: 4px;
      background: var(--skeleton);
      animation: late 1ms 150ms both;
    }
    .skeleton:nth-child(odd) {
      margin-right: 30%;
    }
    @keyframes late {
      from {
        opacity: 0;
      }
    }
    @media (max-width: 719px) {
      .bar {
        gap: 8px 6px;
      }
      .bar .grow {
        display: none;
      }
      .bar .btn {
        margin-left: auto;
      }
      .levels .chip {
        padding: 0 8px;
      }
      .entry {
        grid-template-columns: 64px 52px 1fr;
      }
      .logger {
        display: none;
      }
      .message {
        grid-column: 1 / -1;
        grid-row: 2;
      }
    }
  `,
})
export class AgentLogs {
  readonly agentId = input.required<string>();

  protected readonly sentences = inject(Sentences);
  private readonly api = inject(AgentsApi);
  private readonly router = inject(Router);
  private readonly route = inject(ActivatedRoute);
  private readonly language = inject(Preferences).language;
  private readonly box = viewChild<ElementRef<HTMLElement>>('box');
  private readonly params = toSignal(this.route.queryParamMap);

  protected readonly levels = levels;
  protected readonly level = computed(
    () => levels.find((name) => name === this.params()?.get('level')) ?? 'debug',
  );
  protected readonly line = signal<'connecting' | 'live'>('connecting');
  protected readonly lines = signal<readonly LogLine[]>([]);
  /** Whether it is known by now that there are lines, or none. */
  protected readonly hasListened = signal(false);
  protected readonly isPaused = signal(false);
  protected readonly held = signal(0);
  protected readonly shown = computed(() => {
    const least = levels.indexOf(this.level());
    return this.lines().filter(({ level }) => levels.indexOf(level) >= least);
  });

  private readonly events = inject(ServerEvents);
  private close: (() => void) | undefined;
  private waiting: LogLine[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;
  private isAtEnd = true;

  constructor() {
    effect(() => {
      const id = this.agentId();
      untracked(() => this.listen(id));
    });
    afterRenderEffect(() => {
      this.shown();
      const box = this.box()?.nativeElement;
      if (box && this.isAtEnd) box.scrollTop = box.scrollHeight;
    });
    inject(DestroyRef).onDestroy(() => {
      this.close?.();
      clearTimeout(this.timer);
      clearTimeout(this.silence);
    });
  }

  private listen(id: string): void {
    this.close?.();
    clearTimeout(this.silence);
    this.lines.set([]);
    this.hasListened.set(false);
    this.waiting = [];
    this.line.set('connecting');
    // The server begins with the last lines each time: those known are left out.
    this.close = this.events.follow({
      address: () => this.api.logUrl(id),
      event: 'log',
      take: (data) => {
        this.waiting.push(JSON.parse(data) as LogLine);
        this.timer ??= setTimeout(() => this.take(), GATHER_MS);
      },
      tell: (isLive) => {
        this.line.set(isLive ? 'live' : 'connecting');
        clearTimeout(this.silence);
        if (isLive) this.silence = setTimeout(() => this.hasListened.set(true), SILENCE_MS);
      },
    });
  }

  private take(): void {
    this.timer = undefined;
    if (this.isPaused()) return this.held.set(this.waiting.length);
    const known = new Set(this.lines().map(({ id }) => id));
    const fresh = this.waiting.filter(({ id }) => !known.has(id));
    this.waiting = [];
    this.held.set(0);
    this.hasListened.set(true);
    if (fresh.length > 0) this.lines.update((lines) => [...lines, ...fresh].slice(-MOST_LINES));
  }

  protected toggle(): void {
    this.isPaused.update((isPaused) => !isPaused);
    if (!this.isPaused()) {
      this.isAtEnd = true;
      this.take();
    }
  }
  protected choose(level: (typeof levels)[number]): void {
    void this.router.navigate([], {
      queryParams: { level: level === 'debug' ? null : level },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  /** Who has scrolled up reads; only who stands at the end is taken along. */
  protected onScroll(): void {
    const box = this.box()?.nativeElement;
    if (box) this.isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  }
  protected clock(at: string): string {
    return clock(at, this.language());
  }
  protected exact(at: string): string {
    return exactTime(Date.parse(at), this.language());
  }
}
