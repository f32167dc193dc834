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
import type { PoliciesPreview, PolicyDocument } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { WhoDecides } from '../../../shared/i18n/who-decides';
import { type Call, done, failed, idle, loading } from '../../../shared/api/problem';
import { SecondPersonNote } from '../../../shared/proposals/second-person-note';
import { Dialog } from '../../../shared/ui/dialog';
import { Difference } from '../../../shared/ui/difference';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { Age } from '../../../shared/ui/time';
import { IntegrationsApi } from '../integrations-api';
import { PoliciesStore } from './policies-store';
import { asCompared } from './policy-draft';

/**
 * What saving would change: the rules, and what becomes of the last calls on record. When somebody else has saved
 * meanwhile it shows what they changed, and the changes made here as they would stand upon that.
 */
@Component({
  selector: 'aos-review-dialog',
  imports: [Age, Dialog, Difference, ProblemNote, SecondPersonNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="large"
      [title]="t('integrations.whatChanges')"
      [isBusy]="store.saving().state === 'loading'"
      (closed)="closed.emit()"
    >
      @if (store.newer(); as newer) {
        <p class="warn" role="alert">
          {{
            t('integrations.policies.newer', {
              n: newer.version,
              base: store.base()?.version,
              who: nameOf()(newer.updatedBy),
            })
          }}
        </p>
        <h3>{{ t('integrations.policies.theirs') }}</h3>
        <aos-difference
          [before]="base()"
          [after]="theirs()"
          [beforeLabel]="t('integrations.policies.versionN', { n: store.base()?.version })"
          [afterLabel]="t('integrations.policies.versionN', { n: newer.version })"
          [label]="t('integrations.policies.theirs')"
        />
        <h3>{{ t('integrations.policies.yours') }}</h3>
        @if (store.rebased()?.both?.length) {
          <p class="meta both">
            {{ t('integrations.policies.both', { ids: store.rebased()?.both?.join(', ') }) }}
          </p>
        }
        <aos-difference
          [before]="theirs()"
          [after]="upon()"
          [beforeLabel]="t('integrations.policies.versionN', { n: newer.version })"
          [afterLabel]="t('integrations.policies.yourDraft')"
          [label]="t('integrations.policies.yours')"
        />
      } @else {
        <aos-difference
          [before]="base()"
          [after]="mine()"
          [beforeLabel]="t('integrations.policies.versionN', { n: store.base()?.version })"
          [afterLabel]="t('integrations.policies.yourDraft')"
        />
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="look()" />
          }
        }
        @if (preview(); as preview) {
          <h3>{{ t('integrations.policies.past') }}</h3>
          <p class="muted">
            {{
              preview.recent.looked === 0
                ? t('integrations.policies.pastNone')
                : preview.recent.changed.length === 0
                  ? t('integrations.policies.pastSame', { n: preview.recent.looked })
                  : t('integrations.policies.pastChanged', {
                      n: preview.recent.looked,
                      changed: preview.recent.changed.length,
                    })
            }}
          </p>
          @if (preview.recent.changed.length > 0) {
            <ul>
              @for (each of preview.recent.changed; track each.callId) {
                <li>
                  <code class="cut grow" [title]="each.tool">{{ each.tool }}</code>
                  <aos-age class="meta" [at]="each.startedAt" />
                  <span class="turn">
                    {{ t('integrations.policies.effects.' + each.before.effect) }} →
                    <strong [class]="each.after.effect">{{
                      t('integrations.policies.effects.' + each.after.effect)
                    }}</strong>
                    @if (each.after.rule; as rule) {
                      <code class="muted">{{ rule }}</code>
                    }
                    @if (each.after.approvers; as approvers) {
                      <span class="muted">{{ who.of(approvers) }}</span>
                    }
                  </span>
                </li>
              }
            </ul>
          }
        }
      }
      @defer (on immediate) {
        <aos-second-person-note kind="policies" />
      }
      @if (store.saving(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
      <button actions class="btn" type="button" (click)="closed.emit()">
        {{ t('integrations.policies.goOn') }}
      </button>
      @if (store.newer()) {
        <button actions class="btn filled" type="button" (click)="store.rebase()">
          {{ t('integrations.policies.rebase') }}
        </button>
      } @else {
        <button
          actions
          class="btn filled"
          type="button"
          [disabled]="!store.isChanged() || store.saving().state === 'loading'"
          (click)="save()"
        >
          {{
            store.saving().state === 'loading' ? t('dialog.busy') : t('integrations.policies.save')
          }}
        </button>
      }
    </aos-dialog>
  `,
  styles: `
    h3 {
      margin: 16px 0 6px;
    }
    .warn {
      padding: 10px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
    }
    .both {
      margin-bottom: 6px;
      color: var(--waiting);
    }
    ul {
      max-height: 240px;
      margin: 8px 0 0;
      padding: 0;
      overflow: auto;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      list-style: none;
    }
    li {
      display: flex;
      flex-wrap: wrap;
      align-items: center;
      gap: 2px 12px;
      padding: 6px 12px;
    }
    li + li {
      border-top: 1px solid var(--line);
    }
    strong {
      font-weight: 550;
    }
    .deny {
      color: var(--failed);
    }
    .approve {
      color: var(--waiting);
    }
    .allow {
      color: var(--done);
    }
    aos-problem {
      margin-top: 12px;
    }
  `,
})
export class ReviewDialog {
  readonly nameOf = input<(actor: string) => string>((actor) => actor);
  readonly saved = output();
  readonly closed = output();

  private readonly api = inject(IntegrationsApi);
  protected readonly who = inject(WhoDecides);
  protected readonly store = inject(PoliciesStore);
  protected readonly preview = signal<PoliciesPreview | null>(null);
  protected readonly call = signal<Call>(idle);
  private readonly of = (document: PolicyDocument | null | undefined) =>
    document ? asCompared(document) : null;
  protected readonly base = computed(() => this.of(this.store.base()?.document));
  protected readonly mine = computed(() => this.of(this.store.draft()));
  protected readonly theirs = computed(() => this.of(this.store.newer()?.document));
  protected readonly upon = computed(() => this.of(this.store.rebased()?.document));
  private readonly looked = computed(() => (this.store.newer() ? null : this.store.draft()));

  constructor() {
    effect(() => {
      if (this.looked()) untracked(() => void this.look());
    });
  }

  protected async look(): Promise<void> {
    const document = this.looked();
    if (!document) return;
    this.preview.set(null);
    this.call.set(loading);
    try {
      const preview = await firstValueFrom(this.api.previewPolicies({ document }));
      if (document !== this.looked()) return;
      this.preview.set(preview);
      this.call.set(done);
      // Saved by somebody else since the draft was begun: better told now than when it is refused.
      if (preview.baseVersion !== this.store.base()?.version) await this.store.load();
    } catch (error) {
      this.call.set(failed(error));
    }
  }

  protected async save(): Promise<void> {
    if (await this.store.save()) this.saved.emit();
  }
}
