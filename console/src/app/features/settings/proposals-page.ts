import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Proposals } from '../../shared/proposals/proposals';

/** All changes that wait for a second person, and what became of others. */
@Component({
  selector: 'aos-proposals-page',
  imports: [Proposals, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.proposals') }}</h1>
      </div>
      <p class="lead">{{ t('settings.proposalsLead') }}</p>
      @defer (on immediate) {
        <aos-proposals [isPage]="true" [named]="proposal()" />
      } @error {
        <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
})
export class ProposalsPage {
  /** Of the address. */
  readonly proposal = input<string>();
}
