import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink, RouterLinkActive, RouterOutlet } from '@angular/router';
import { TranslocoDirective } from '@jsverse/transloco';

/** What AOS remembers: facts, the variables of projects, and who one is. */
@Component({
  selector: 'aos-memory-page',
  imports: [RouterLink, RouterLinkActive, RouterOutlet, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="room" *transloco="let t">
      <nav [attr.aria-label]="t('rooms.memory')">
        @for (part of parts; track part) {
          <a
            class="chip"
            [routerLink]="part"
            queryParamsHandling="merge"
            routerLinkActive="here"
            ariaCurrentWhenActive="page"
            >{{ t('memory.part.' + part) }}</a
          >
        }
      </nav>
      <div class="part"><router-outlet /></div>
    </div>
  `,
  styles: `
    .room {
      display: flex;
      flex-direction: column;
      height: 100%;
    }
    nav {
      display: flex;
      gap: 4px;
      padding: 14px 24px 0;
    }
    .chip:hover {
      text-decoration: none;
    }
    .chip.here {
      border-color: transparent;
      background: var(--chosen);
      color: var(--ink);
      font-weight: 550;
    }
    .part {
      flex: 1 1 auto;
      min-height: 0;
    }
    @media (max-width: 719px) {
      nav {
        padding: 12px 16px 0;
        overflow-x: auto;
      }
    }
  `,
})
export class MemoryPage {
  protected readonly parts = ['items', 'vars', 'profile'];
}
