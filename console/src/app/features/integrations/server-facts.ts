import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import type { McpServerInfo, ToolActivity } from '@aos/contracts';
import { RouterLink } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Revealed } from '../../shared/ui/revealed';
import { Age } from '../../shared/ui/time';
import { type ServerState, errorShare, placeOf } from './server-state';

/** The figures of a server in one line: what it is, where, how often it fails, and what it said last. */
@Component({
  selector: 'aos-server-facts',
  imports: [Age, Revealed, RouterLink, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (server().description) {
        <p class="muted about"><aos-revealed [text]="sentences.ofTool(server().description)" /></p>
      }
      <dl>
        <div>
          <dt>{{ t('integrations.col.transport') }}</dt>
          <dd>{{ t('integrations.transport.' + server().transport) }}</dd>
        </div>
        @if (place(); as place) {
          <div class="wide">
            <dt>{{ t('integrations.place') }}</dt>
            <dd class="cut" [title]="place">
              <code>{{ place }}</code>
            </dd>
          </div>
        }
        @if (server().tools > 0) {
          <div>
            <dt>{{ t('integrations.viewOf.pins') }}</dt>
            <dd class="pins">
              <a routerLink="/integrations" [queryParams]="pinsOf()">{{
                t('integrations.pins.all', { n: server().tools })
              }}</a>
              @for (state of waiting(); track state) {
                <a class="waits" routerLink="/integrations" [queryParams]="pinsOf(state)">{{
                  t('integrations.pins.waits.' + state, { n: server().pins[state] })
                }}</a>
              }
            </dd>
          </div>
        }
        <div>
          <dt>{{ t('integrations.callsOfDay') }}</dt>
          <dd class="num">{{ activity()?.calls ?? 0 }}</dd>
        </div>
        @if (activity(); as activity) {
          <div>
            <dt>{{ t('integrations.col.errors') }}</dt>
            <dd class="num" [class.bad]="activity.failed > 0">{{ share() }}</dd>
          </div>
        }
        @if (server().health.checkedAt; as at) {
          <div>
            <dt>{{ t('integrations.checked') }}</dt>
            <dd><aos-age [at]="at" /></dd>
          </div>
        }
      </dl>
      @if (server().health.error && state() === 'unreachable') {
        <p class="bad">
          <aos-revealed [text]="sentences.of(server().health.said, server().health.error ?? '')" />
        </p>
      } @else if (activity()?.lastError) {
        <p class="bad last">
          <span class="muted"
            >{{ t('integrations.lastError') }}
            @if (activity()?.lastErrorAt; as at) {
              · <aos-age [at]="at" />
            }
          </span>
          <aos-revealed
            [text]="sentences.alone(activity()?.lastErrorSaid, activity()?.lastError ?? '')"
          />
        </p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .about {
      max-width: 80ch;
      max-height: 60px;
      overflow: auto;
    }
    dl {
      display: flex;
      flex-wrap: wrap;
      gap: 8px 28px;
      margin: 0;
    }
    dl > div {
      min-width: 0;
    }
    .wide {
      max-width: min(480px, 100%);
    }
    dt {
      color: var(--muted);
      font-size: 12px;
      line-height: 16px;
    }
    dd {
      margin: 0;
    }
    .pins {
      display: flex;
      flex-wrap: wrap;
      gap: 4px 8px;
    }
    .waits {
      padding: 0 8px;
      border-radius: 999px;
      background: var(--waiting-tint);
      color: var(--waiting);
    }
    .bad {
      color: var(--failed);
      overflow-wrap: anywhere;
    }
    .last .muted {
      margin-right: 8px;
    }
    .last {
      display: -webkit-box;
      -webkit-line-clamp: 2;
      -webkit-box-orient: vertical;
      overflow: hidden;
    }
    @media (max-width: 719px) {
      dl {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
      }
    }
  `,
})
export class ServerFacts {
  protected readonly sentences = inject(Sentences);
  readonly server = input.required<McpServerInfo>();
  readonly activity = input<ToolActivity>();
  readonly state = input.required<ServerState>();
  protected readonly waiting = computed(() =>
    (['changed', 'quarantined'] as const).filter((state) => this.server().pins[state] > 0),
  );
  protected pinsOf(state?: 'changed' | 'quarantined') {
    return { view: 'pins', server: this.server().name, ...(state && { state }) };
  }
  protected readonly place = computed(() => placeOf(this.server()));
  protected readonly share = computed(() => errorShare(this.activity()));
}
