import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';

/** What AOS remembers: facts, the variables of projects, and who one is. */
@Component({
  selector: 'aos-memory-page',
  imports: [RouterLink, RouterLinkActive, RouterOutlet, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <nav [attr.aria-label]="t('rooms.memory')" *transloco="let t">
      @for (part of parts; track part) {
        <a
          [routerLink]="part"
          queryParamsHandling="merge"
          routerLinkActive="here"
          ariaCurrentWhenActive="page"
          >{{ t('memory.part.' + part) }}</a
        >
      }
    </nav>
    <div class="part"><router-outlet /></div>
  `,
  styleUrl: '../../shared/ui/parts.css',
})
export class MemoryPage {
  protected readonly parts = ['items', 'vars', 'profile'];
}
