import {
  ChangeDetectionStrategy,
  Component,
  type ElementRef,
  computed,
  inject,
  input,
  output,
  signal,
  viewChild,
} from '@angular/core';
import type { Project, SecretInfo } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { Dialog } from '../../shared/ui/dialog';
import { ProblemNote } from '../../shared/ui/problem-note';
import { SettingsApi } from './settings-api';

/**
 * A value goes in here and never comes out. It is read from the field at the moment of sending: no signal, no store
 * and no attribute of the document ever holds it.
 */
@Component({
  selector: 'aos-secret-dialog',
  imports: [Dialog, ProblemNote, SecondPersonNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="
        secret() ? t('settings.secret.editOf', { name: secret()!.name }) : t('settings.secret.add')
      "
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="secret" class="form" autocomplete="off" (submit)="save($event)">
        @if (!secret()) {
          <div class="field">
            <label for="secret-name">{{ t('settings.secret.name') }}</label>
            <input
              id="secret-name"
              class="input mono"
              type="text"
              required
              maxlength="128"
              pattern="[A-Z][A-Z0-9_]*"
              spellcheck="false"
              placeholder="LLM_API_KEY"
              aria-describedby="secret-name-help"
              [value]="name()"
              (input)="name.set($any($event.target).value.toUpperCase())"
            />
            <span class="help" id="secret-name-help">{{ t('settings.secret.nameHelp') }}</span>
          </div>
          <div class="field">
            <label for="secret-scope">{{ t('settings.secret.scope') }}</label>
            <select
              id="secret-scope"
              class="input"
              (change)="projectId.set($any($event.target).value)"
            >
              <option value="">{{ t('settings.everywhere') }}</option>
              @for (project of projects(); track project.id) {
                <option [value]="project.id">{{ project.name }}</option>
              }
            </select>
          </div>
        }
        <div class="field">
          <label for="secret-value">{{ t('settings.secret.value') }}</label>
          <textarea
            #value
            id="secret-value"
            class="input mono hidden"
            rows="3"
            maxlength="65536"
            spellcheck="false"
            autocomplete="off"
            aria-describedby="secret-value-help"
            (input)="hasValue.set($any($event.target).value !== '')"
          ></textarea>
          <span class="help" id="secret-value-help">
            {{ t('settings.secret.valueHelp') }}
            {{ t(secret()?.version ? 'settings.secret.keep' : 'settings.secret.later') }}
          </span>
        </div>
        <div class="field">
          <label for="secret-purpose">{{ t('settings.secret.purpose') }}</label>
          <input
            id="secret-purpose"
            class="input"
            type="text"
            maxlength="500"
            [value]="purpose()"
            (input)="typed.set($any($event.target).value)"
          />
        </div>
        @if (hasValue()) {
          @defer (on immediate) {
            <aos-second-person-note kind="secrets" />
          }
        }
        @if (call(); as call) {
          @if (call.state === 'failed') {
            <aos-problem [problem]="call.problem" />
          }
        }
      </form>
      <button actions class="btn" type="button" [disabled]="isBusy()" (click)="closed.emit()">
        {{ t('dialog.cancel') }}
      </button>
      <button
        actions
        class="btn filled"
        type="submit"
        form="secret"
        [disabled]="isBusy() || !isNamed() || !hasChange()"
      >
        {{ t(secret()?.version && hasValue() ? 'settings.secret.rotate' : 'settings.secret.save') }}
      </button>
    </aos-dialog>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .hidden:not(:focus) {
      color: transparent;
    }
    .hidden:not(:focus)::selection {
      color: transparent;
    }
  `,
})
export class SecretDialog {
  /** One that is there, to be given a value or another purpose; a new one when null. */
  readonly secret = input.required<SecretInfo | null>();
  readonly projects = input<readonly Project[]>([]);
  readonly saved = output();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  private readonly field = viewChild.required<ElementRef<HTMLTextAreaElement>>('value');
  protected readonly name = signal('');
  protected readonly projectId = signal('');
  protected readonly typed = signal<string | null>(null);
  protected readonly purpose = computed(() => this.typed() ?? this.secret()?.purpose ?? '');
  protected readonly hasValue = signal(false);
  protected readonly isNamed = computed(
    () => this.secret() !== null || /^[A-Z][A-Z0-9_]*$/.test(this.name()),
  );
  protected readonly hasChange = computed(
    () => this.hasValue() || this.purpose().trim() !== this.secret()?.purpose,
  );
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const secret = this.secret();
    const name = secret?.name ?? this.name();
    const purpose = this.purpose().trim();
    const projectId = secret ? secret.projectId : this.projectId() || null;
    const { value } = this.field().nativeElement;
    this.call.set(loading);
    try {
      await firstValueFrom<unknown>(
        value
          ? this.api.putSecret(name, { value, purpose, projectId })
          : this.api.nameSecret({ name, purpose, projectId }),
      );
      this.field().nativeElement.value = '';
      this.saved.emit();
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
