import { ChangeDetectionStrategy, Component, computed, inject } from '@angular/core';
import { Router, RouterOutlet } from '@angular/router';
import { Preferences } from './shared/ui/preferences';

@Component({
  selector: 'aos-root',
  imports: [RouterOutlet],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (!hasArrived()) {
      <svg class="boot" viewBox="0 0 32 32" width="40" height="40" role="img" aria-label="AOS">
        <rect width="32" height="32" rx="8" />
        <path d="M9 22.5 16 8.500l7 14M12 18h8" />
      </svg>
    }
    <router-outlet />
  `,
  styles: `
    :host {
      display: block;
      height: 100%;
    }
  `,
})
export class App {
  private readonly router = inject(Router);
  protected readonly hasArrived = computed(() => this.router.lastSuccessfulNavigation() !== null);

  constructor() {
    // Theme and language hold from the first page on, the sign-in among them.
    inject(Preferences);
  }
}
