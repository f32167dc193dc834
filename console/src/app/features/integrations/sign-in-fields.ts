import { NgTemplateOutlet } from '@angular/common';
import { ChangeDetectionStrategy, Component, computed, input, output } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { type SignIn, type SignInFaults, signInKinds, subjects } from './sign-in';

/** What is typed or chosen as text. */
type Key = Exclude<keyof SignIn, 'kind' | 'endpoint' | 'subject'>;

/** How a server is signed in to: not at all, with a secret as it is, or with a token that is had for one. */
@Component({
  selector: 'aos-sign-in-fields',
  imports: [NgTemplateOutlet, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './sign-in-fields.html',
  styleUrl: '../../shared/ui/form.css',
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
    .choices {
      grid-template-columns: 1fr 1fr;
    }
    @media (max-width: 719px) {
      .pair,
      .choices {
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
  protected readonly endpoints = ['issuer', 'tokenUrl'] as const;
  protected readonly subjects = subjects;
  protected readonly kinds = computed(() =>
    this.isProcess() ? signInKinds.slice(0, 2) : signInKinds,
  );
  protected readonly isOAuth = computed(
    () => this.value().kind === 'client-credentials' || this.value().kind === 'token-exchange',
  );
  protected idOf(key: string): string {
    return `${this.prefix()}-${key}`;
  }
  protected textOf(key: Key): string {
    return this.value()[key];
  }
  protected faultOf(key: Key): string | undefined {
    return this.faults()[key];
  }
  /** One that is named and not in sight stays named. */
  protected namesWith(name: string): readonly string[] {
    const names = this.secrets();
    return name === '' || names.includes(name) ? names : [name, ...names];
  }
  protected set<K extends keyof SignIn>(key: K, value: SignIn[K]): void {
    this.changed.emit({ ...this.value(), [key]: value });
  }
}
