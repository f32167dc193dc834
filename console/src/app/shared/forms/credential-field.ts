import {
  ChangeDetectionStrategy,
  Component,
  type ElementRef,
  afterNextRender,
  input,
  viewChild,
} from '@angular/core';
import type { Problem } from '../api/problem';
import { ProblemNote } from '../ui/problem-note';

/** What the browser and its password manager are told of each. A recovery code has letters too. */
const kinds = {
  password: { type: 'password', fills: 'current-password', maxlength: 1024 },
  newPassword: { type: 'password', fills: 'new-password', maxlength: 1024 },
  appCode: { type: 'text', fills: 'one-time-code', maxlength: 64 },
  anyCode: { type: 'text', fills: 'one-time-code', maxlength: 64 },
} as const;

/**
 * Where a password or a code is shown to the server, and what was wrong with the last one. It stays in its field, from
 * where it is read at the moment of sending: no signal and no form holds it.
 */
@Component({
  selector: 'aos-credential',
  imports: [ProblemNote],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="field">
      <label [for]="fieldId()">{{ label() }}</label>
      <input
        #field
        class="input"
        required
        [id]="fieldId()"
        [type]="kinds[kind()].type"
        [class.mono]="kinds[kind()].type === 'text'"
        [attr.inputmode]="kind() === 'appCode' ? 'numeric' : null"
        [autocomplete]="kinds[kind()].fills"
        [attr.minlength]="kind() === 'newPassword' ? 12 : null"
        [maxLength]="kinds[kind()].maxlength"
        [attr.aria-describedby]="help() ? fieldId() + '-help' : null"
      />
      @if (help(); as help) {
        <span class="meta" [id]="fieldId() + '-help'">{{ help }}</span>
      }
    </div>
    @if (problem(); as problem) {
      <aos-problem [problem]="problem" />
    }
  `,
  styles: `
    /* Its two parts stand in the form around it, at that form's distance. */
    :host {
      display: contents;
    }
  `,
})
export class CredentialField {
  readonly fieldId = input.required<string>();
  readonly label = input.required<string>();
  readonly kind = input.required<keyof typeof kinds>();
  readonly help = input('');
  readonly problem = input<Problem | null>(null);
  /** Once it is there: it was asked for. */
  readonly takesFocus = input(false);
  protected readonly kinds = kinds;
  private readonly field = viewChild.required<ElementRef<HTMLInputElement>>('field');

  constructor() {
    afterNextRender(() => {
      if (this.takesFocus()) this.field().nativeElement.focus();
    });
  }

  read(): string {
    return this.field().nativeElement.value;
  }
  empty(): void {
    this.field().nativeElement.value = '';
  }
}
