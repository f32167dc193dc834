import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { type SignIn, type SignInFaults, signInKinds } from './sign-in';

/** How a server is signed in to: not at all, with a secret as it is, or with a token that is had for one. */
@Component({
  selector: 'aos-sign-in-fields',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './sign-in-fields.html',
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 16px;
    }
    .pair {
      display: grid;
      grid-template-columns: 1fr 1fr;
      gap: 12px;
    }
    .line {
      display: grid;
      grid-template-columns: auto 1fr;
      gap: 8px;
    }
    .line select {
      width: auto;
    }
    [aria-invalid='true'] {
      border-color: var(--failed);
    }
    @media (max-width: 719px) {
      .pair {
        grid-template-columns: 1fr;
      }
    }
  `,
})
export class SignInFields {
  readonly value = input.required<SignIn>();
  readonly faults = input<SignInFaults>({});
  readonly secrets = input<readonly string[]>([]);
  /** A process is given a secret, and nothing else. */
  readonly isProcess = input(false);
  readonly disabled = input(false);
  readonly prefix = input('sign-in');
  readonly changed = output<SignIn>();

  protected readonly extras = ['scope', 'audience', 'resource'] as const;
  protected readonly kinds = computed(() =>
    this.isProcess() ? signInKinds.slice(0, 2) : signInKinds,
  );
  protected readonly isOAuth = computed(
    () => this.value().kind === 'client-credentials' || this.value().kind === 'token-exchange',
  );
  /** One that is named and not in sight stays named. */
  protected namesWith(name: string): readonly string[] {
    const names = this.secrets();
    return name === '' || names.includes(name) ? names : [name, ...names];
  }
  protected set<K extends keyof SignIn>(key: K, value: SignIn[K]): void {
    this.changed.emit({ ...this.value(), [key]: value });
  }
}
