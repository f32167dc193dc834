import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { ProjectVar } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading } from '../../shared/api/problem';
import { session } from '../../shared/state/session';
import { Dialog } from '../../shared/ui/dialog';
import { Difference } from '../../shared/ui/difference';
import { ProblemNote } from '../../shared/ui/problem-note';
import { MemoryApi } from './memory-api';

/** What was typed as a value: JSON where it is some, else the text as it stands. */
export function readValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** How a value stands in its field, so that `readValue` gives it back. */
export const writeValue = (value: unknown): string =>
  typeof value === 'string' && typeof readValue(value) === 'string' && !value.startsWith('"')
    ? value
    : (JSON.stringify(value, null, 2) ?? '');

/** A variable: a value, or the name of a secret. */
@Component({
  selector: 'aos-var-dialog',
  imports: [Dialog, Difference, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="
        variable() ? t('memory.var.editOf', { name: variable()!.name }) : t('memory.var.add')
      "
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="var" class="form" autocomplete="off" (submit)="save($event)">
        @if (!variable()) {
          <div class="field">
            <label for="var-name">{{ t('memory.var.name') }}</label>
            <input
              id="var-name"
              class="input mono"
              type="text"
              required
              maxlength="64"
              pattern="[A-Za-z_][A-Za-z0-9_\\-]*"
              spellcheck="false"
              placeholder="report_day"
              aria-describedby="var-name-help"
              [value]="name()"
              (input)="name.set($any($event.target).value)"
            />
            <span class="help" id="var-name-help">{{ t('memory.var.nameHelp') }}</span>
          </div>
        }
        <div class="kinds" role="group" [attr.aria-label]="t('memory.var.source')">
          <button
            class="chip"
            type="button"
            [attr.aria-pressed]="!isSecret()"
            (click)="isSecret.set(false)"
          >
            {{ t('memory.var.value') }}
          </button>
          <button
            class="chip"
            type="button"
            [attr.aria-pressed]="isSecret()"
            (click)="isSecret.set(true)"
          >
            {{ t('memory.var.secret') }}
          </button>
        </div>
        @if (isSecret()) {
          <div class="field">
            <label for="var-secret">{{ t('memory.var.secretName') }}</label>
            <input
              id="var-secret"
              class="input mono"
              type="text"
              required
              maxlength="128"
              spellcheck="false"
              list="var-secrets"
              placeholder="API_KEY"
              aria-describedby="var-secret-help"
              [value]="secretRef()"
              (input)="secretRef.set($any($event.target).value)"
            />
            <datalist id="var-secrets">
              @for (secret of secrets(); track secret) {
                <option [value]="secret"></option>
              }
            </datalist>
            <span class="help" id="var-secret-help">{{ t('memory.var.secretHelp') }}</span>
          </div>
        } @else {
          <div class="field">
            <label for="var-value">{{ t('memory.var.value') }}</label>
            <textarea
              id="var-value"
              class="input mono"
              rows="4"
              required
              maxlength="8000"
              spellcheck="false"
              aria-describedby="var-value-help"
              [value]="text()"
              (input)="text.set($any($event.target).value)"
            ></textarea>
            <span class="help" id="var-value-help">{{ t('memory.var.valueHelp') }}</span>
          </div>
        }
        <div class="field">
          <label for="var-usage">{{ t('memory.var.usage') }}</label>
          <input
            id="var-usage"
            class="input"
            type="text"
            maxlength="500"
            [value]="usage()"
            (input)="usage.set($any($event.target).value)"
          />
        </div>
        @if (variable(); as was) {
          <div>
            <h3>{{ t('memory.changes') }}</h3>
            <aos-difference [before]="saidBy(was)" [after]="saidNow()" />
          </div>
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
      <button actions class="btn filled" type="submit" form="var" [disabled]="isBusy()">
        {{ t('memory.save') }}
      </button>
    </aos-dialog>
  `,
  styleUrls: ['../../shared/ui/section.css', './memory.css'],
  styles: `
    .kinds {
      display: flex;
      gap: 4px;
    }
  `,
})
export class VarDialog {
  readonly variable = input.required<ProjectVar | null>();
  readonly projectId = input.required<string>();
  readonly saved = output<ProjectVar>();
  readonly closed = output();

  private readonly api = inject(MemoryApi);
  private readonly mayList = inject(Store).selectSignal(session.selectMay('secret.read'));
  protected readonly name = signal('');
  protected readonly isSecret = linkedSignal(() => this.variable()?.secretRef != null);
  protected readonly secretRef = linkedSignal(() => this.variable()?.secretRef ?? '');
  protected readonly text = linkedSignal(() => {
    const variable = this.variable();
    return variable && variable.secretRef === null ? writeValue(variable.value) : '';
  });
  protected readonly usage = linkedSignal(() => this.variable()?.usage ?? '');
  protected readonly secrets = signal<readonly string[]>([]);
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  protected readonly saidNow = computed(() => ({
    usage: this.usage().trim(),
    ...(this.isSecret()
      ? { secretRef: this.secretRef().trim() }
      : { value: readValue(this.text()) }),
  }));

  constructor() {
    void this.loadSecrets();
  }

  private async loadSecrets(): Promise<void> {
    if (!this.mayList()) return;
    const runtime = await firstValueFrom(this.api.secrets()).catch(() => ({ secrets: [] }));
    this.secrets.set([...new Set(runtime.secrets.map(({ name }: { name: string }) => name))]);
  }

  protected saidBy({ usage, secretRef, value }: ProjectVar) {
    return { usage, ...(secretRef === null ? { value } : { secretRef }) };
  }

  protected async save(event: Event): Promise<void> {
    event.preventDefault();
    const was = this.variable();
    this.call.set(loading);
    try {
      this.saved.emit(
        await firstValueFrom(
          was
            ? this.api.changeVar(this.projectId(), was, this.saidNow())
            : this.api.createVar(this.projectId(), { name: this.name(), ...this.saidNow() }),
        ),
      );
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
