import { ChangeDetectionStrategy, Component, computed, inject, input } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import type { ProposalKind } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { catchError, of } from 'rxjs';
import { Icon } from '../ui/icon';
import { proposalWords } from './proposal-words';
import { ProposalsApi } from './proposals-api';

/** Says before a save that it will be a proposal, where it will. */
@Component({
  selector: 'aos-second-person-note',
  imports: [Icon, TranslocoDirective],
  providers: [proposalWords],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (isWanted()) {
      <p class="note" data-testid="second-person" *transloco="let t">
        <aos-icon name="person" [size]="14" />
        <span>{{
          roles().length
            ? t('proposals.noteOf', { roles: roles().join(t('proposals.or')) })
            : t('proposals.note')
        }}</span>
      </p>
    }
  `,
  styles: `
    .note {
      display: flex;
      gap: 8px;
      margin: 12px 0 0;
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
    }
    aos-icon {
      flex: none;
      margin-top: 3px;
      color: var(--waiting);
    }
  `,
})
export class SecondPersonNote {
  readonly kind = input.required<ProposalKind>();
  /** Of the settings: the rule itself is changed, which goes by the rule wherever any of it is on. */
  readonly touchesRule = input(false);

  private readonly transloco = inject(TranslocoService);
  /** Without an answer nothing is said here; the answer to the save tells what came of it all the same. */
  private readonly rule = toSignal(
    inject(ProposalsApi)
      .rule()
      .pipe(catchError(() => of(null))),
    {
      initialValue: null,
    },
  );
  protected readonly isWanted = computed(() => {
    const rule = this.rule();
    if (!rule) return false;
    return rule[this.kind()] || (this.touchesRule() && Object.values(rule).includes(true));
  });
  protected readonly roles = computed(() => {
    this.transloco.activeLang();
    return (this.rule()?.confirmers ?? []).map((role) => {
      const key = `approval.who.role.${role}`;
      const word = this.transloco.translate<string>(key);
      return word === key ? role : word;
    });
  });
}
