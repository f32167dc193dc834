import {
  ChangeDetectionStrategy,
  Component,
  effect,
  inject,
  input,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { McpServerInfo, ToolPin } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { isProposal } from '../../shared/proposals/is-proposal';
import { IntegrationsApi } from './integrations-api';

/** In the words of `integrations.held`: a definition that nobody has let in hides text, or is new. */
export const whyHeld = ({ state, hiddenText }: ToolPin) =>
  state === 'quarantined' && hiddenText.length === 0 ? 'new' : state;

/** Tools that are off because their definition changed, or hides text, until somebody has looked at it. */
@Component({
  selector: 'aos-held-tools',
  imports: [Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        }
      }
      @for (pin of pins(); track pin.tool + pin.waitingHash) {
        <section class="held" [attr.aria-label]="pin.tool">
          <header>
            <code>{{ pin.tool }}</code>
            <span class="grow">{{ t('integrations.held.' + whyOf(pin)) }}</span>
            @if (mayWrite()) {
              <button
                class="btn small"
                type="button"
                [disabled]="approving() !== null"
                (click)="approve(pin)"
              >
                {{ t('integrations.held.approve') }}
              </button>
            }
          </header>
          @for (hidden of pin.hiddenText; track hidden.path + hidden.kind) {
            <p class="meta">
              {{
                t('integrations.held.hidden', {
                  path: hidden.path,
                  characters: hidden.characters.join(', '),
                })
              }}
            </p>
          }
          <aos-difference
            [before]="pin.state === 'changed' ? pin.definition : null"
            [after]="pin.waiting ?? pin.definition"
            [beforeLabel]="t('integrations.held.before')"
            [afterLabel]="t('integrations.held.after')"
            [label]="pin.tool"
          />
        </section>
      }
      @if (approval(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex: none;
      flex-direction: column;
      gap: 8px;
      max-height: 50%;
      overflow: auto;
    }
    .held {
      flex: none;
      padding: 8px 12px;
      border: 1px solid var(--line);
      border-left: 3px solid var(--waiting-mark);
      border-radius: var(--radius-card);
      background: var(--waiting-tint);
    }
    header {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 4px 12px;
      min-height: 28px;
    }
  `,
})
export class HeldTools {
  readonly server = input.required<McpServerInfo>();
  readonly mayWrite = input.required<boolean>();
  readonly approved = output();

  private readonly api = inject(IntegrationsApi);
  protected readonly whyOf = whyHeld;
  protected readonly pins = signal<ToolPin[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly approval = signal<Call>(idle);
  protected readonly approving = signal<string | null>(null);

  constructor() {
    effect(() => {
      const { pins } = this.server();
      if (pins.changed + pins.quarantined > 0) untracked(() => void this.load());
      else this.pins.set([]);
    });
  }

  protected async load(): Promise<void> {
    const { name } = this.server();
    this.call.set(loading);
    try {
      const pins = await firstValueFrom(this.api.pins(name));
      if (name !== this.server().name) return;
      this.pins.set(pins.filter(({ waitingHash }) => waitingHash !== null));
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  /** The hash says which definition was looked at: one that has changed since is refused. */
  protected async approve({ server, tool, waitingHash }: ToolPin): Promise<void> {
    if (waitingHash === null || this.approving() !== null) return;
    this.approving.set(tool);
    this.approval.set(loading);
    try {
      const answer = await firstValueFrom(this.api.approvePin({ server, tool, hash: waitingHash }));
      // What was proposed waits above, and the tool is off until then.
      if (!isProposal(answer)) this.pins.update((pins) => pins.filter((pin) => pin.tool !== tool));
      this.approval.set(done);
      this.approved.emit();
    } catch (error) {
      this.approval.set(failed(error));
      void this.load();
    } finally {
      this.approving.set(null);
    }
  }
}
