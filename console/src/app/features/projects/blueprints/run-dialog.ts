import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  output,
  signal,
} from '@angular/core';
import type { Blueprint, BlueprintInput, FieldFault, UploadedArtifact } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import {
  type Call,
  type Problem,
  failed,
  idle,
  loading,
  toProblem,
} from '../../../shared/api/problem';
import { Sentences } from '../../../shared/i18n/sentences';
import { Dialog } from '../../../shared/ui/dialog';
import { Icon } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { fileSize } from '../../../shared/ui/time';
import { BlueprintsApi } from './blueprints-api';
import { FileFromRun } from './file-from-run';

interface Given {
  file: UploadedArtifact | null;
  isSending: boolean;
  problem: Problem | null;
}

const nothing: Given = { file: null, isSending: false, problem: null };

/** Gives the task that a blueprint describes: a file for each of its inputs, and what it is for. */
@Component({
  selector: 'aos-run-dialog',
  imports: [Dialog, FileFromRun, Icon, ProblemNote, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      [title]="t('projects.blueprint.run.title', { name: blueprint().name })"
      [isBusy]="isBusy()"
      (closed)="closed.emit()"
    >
      <form id="run-blueprint" (submit)="run($event)">
        @if (blueprint().faults.length) {
          <div class="warn" role="note">
            <p>{{ t('projects.blueprint.absent') }}</p>
            <ul>
              @for (fault of blueprint().faults; track $index) {
                <li>
                  <code>{{ fault.path }}</code> {{ sentences.of(fault.said, fault.message) }}
                </li>
              }
            </ul>
          </div>
        }
        @for (each of blueprint().inputs; track each.name) {
          <fieldset [attr.data-input]="each.name">
            <legend>
              <code>{{ each.name }}</code>
              <span class="meta">{{
                t(
                  each.required
                    ? 'projects.blueprint.input.required'
                    : 'projects.blueprint.input.optional'
                )
              }}</span>
              @if (each.mediaType) {
                <code class="meta">{{ each.mediaType }}</code>
              }
            </legend>
            @if (each.description) {
              <p class="meta">{{ each.description }}</p>
            }
            <div class="ways" role="group" [attr.aria-label]="each.name">
              <button
                class="chip"
                type="button"
                [attr.aria-pressed]="!isFromRun(each.name)"
                (click)="take(each.name, false)"
              >
                {{ t('projects.blueprint.run.upload') }}
              </button>
              <button
                class="chip"
                type="button"
                [attr.aria-pressed]="isFromRun(each.name)"
                (click)="take(each.name, true)"
              >
                {{ t('projects.blueprint.run.fromRun') }}
              </button>
            </div>
            @if (isFromRun(each.name)) {
              <aos-file-from-run
                [projectId]="blueprint().projectId"
                [name]="each.name"
                (chosen)="put(each.name, { file: $event })"
              />
            } @else {
              <!-- The browser's own button speaks the language of the browser. -->
              <label class="btn file" [class.off]="given(each.name).isSending">
                <aos-icon name="attach" [size]="14" />{{ t('projects.blueprint.run.pick') }}
                <span class="sr-only">{{
                  t('projects.blueprint.run.fileFor', { name: each.name })
                }}</span>
                <input
                  class="sr-only"
                  type="file"
                  [id]="'run-' + each.name"
                  [accept]="acceptOf(each)"
                  [disabled]="given(each.name).isSending"
                  (change)="upload(each.name, $any($event.target).files[0])"
                />
              </label>
            }
            @if (given(each.name); as it) {
              @if (it.isSending) {
                <p class="meta" role="status">{{ t('projects.blueprint.run.sending') }}</p>
              } @else if (it.problem; as problem) {
                <p class="fault" role="alert">
                  {{ sentences.title(problem) }} {{ sentences.detail(problem) }}
                </p>
              } @else if (it.file; as file) {
                <p class="meta" role="status">
                  {{ file.name }} · {{ fileSize(file.bytes) }} · {{ file.mediaType }}
                </p>
              }
            }
            @for (fault of faultsOf(each.name); track $index) {
              <p class="fault">{{ sentences.of(fault.said, fault.message) }}</p>
            }
          </fieldset>
        } @empty {
          <p class="muted">{{ t('projects.blueprint.noInputs') }}</p>
        }
        <div class="field">
          <label for="run-goal">{{ t('projects.blueprint.run.goal') }}</label>
          <input
            id="run-goal"
            class="input"
            maxlength="2000"
            autocomplete="off"
            [placeholder]="blueprint().name"
            [value]="goal()"
            (input)="goal.set($any($event.target).value)"
          />
        </div>
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
        form="run-blueprint"
        [disabled]="!isReady() || isBusy()"
      >
        {{ isBusy() ? t('dialog.busy') : t('projects.blueprint.run.go') }}
      </button>
    </aos-dialog>
  `,
  styleUrl: '../../../shared/ui/form.css',
  styles: `
    legend {
      display: flex;
      flex-wrap: wrap;
      align-items: baseline;
      gap: 8px;
    }
    legend .meta {
      font-weight: 400;
    }
    .ways {
      display: flex;
      gap: 4px;
    }
    .file {
      position: relative;
      width: fit-content;
    }
    .file.off {
      color: var(--muted);
      cursor: default;
    }
    .file:has(:focus-visible) {
      outline: 2px solid var(--accent);
      outline-offset: 1px;
    }
    .warn {
      padding: 10px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
      overflow-wrap: anywhere;
    }
    .warn ul {
      margin: 4px 0 0;
      padding-left: 18px;
    }
  `,
})
export class RunDialog {
  readonly blueprint = input.required<Blueprint>();
  readonly started = output<{ jobId: string; traceId: string; goal: string }>();
  readonly closed = output();

  private readonly api = inject(BlueprintsApi);
  protected readonly sentences = inject(Sentences);
  protected readonly fileSize = fileSize;
  protected readonly goal = signal('');
  protected readonly call = signal<Call>(idle);
  protected readonly isBusy = computed(() => this.call().state === 'loading');
  private readonly files = signal<Readonly<Record<string, Given>>>({});
  private readonly fromRun = signal<ReadonlySet<string>>(new Set());
  private readonly sent = signal<readonly string[]>([]);
  protected readonly isReady = computed(() =>
    this.blueprint().inputs.every(({ name, required }) => {
      const { file, isSending } = this.given(name);
      return !isSending && (file !== null || !required);
    }),
  );

  protected given(name: string): Given {
    const files = this.files();
    return Object.hasOwn(files, name) ? files[name]! : nothing;
  }
  /** By its kind; a browser that knows files by their endings is told those of the common kinds as well. */
  protected acceptOf({ mediaType }: BlueprintInput): string {
    if (!mediaType) return '';
    const endings: Record<string, string> = { 'text/csv': '.csv', 'text/markdown': '.md' };
    return endings[mediaType] ? `${mediaType},${endings[mediaType]}` : mediaType;
  }
  protected faultsOf(name: string): FieldFault[] {
    const call = this.call();
    const errors = call.state === 'failed' ? (call.problem.errors ?? []) : [];
    const index = this.sent().indexOf(name);
    return errors.filter(({ path }) => path.startsWith(`inputs.${index}.`));
  }

  protected isFromRun(name: string): boolean {
    return this.fromRun().has(name);
  }
  protected take(name: string, isFromRun: boolean): void {
    if (isFromRun === this.isFromRun(name)) return;
    this.fromRun.update((before) => {
      const after = new Set(before);
      if (isFromRun) after.add(name);
      else after.delete(name);
      return after;
    });
    this.put(name, {});
  }
  /** What is given for an input now; a fault of the last try was about another one. */
  protected put(name: string, given: Partial<Given>): void {
    this.call.set(idle);
    this.files.update((all) => ({ ...all, [name]: { ...nothing, ...given } }));
  }

  protected async upload(name: string, file: File | undefined): Promise<void> {
    if (!file) return this.put(name, {});
    this.put(name, { isSending: true });
    const sending = this.files()[name];
    // Its answer may come after another file was chosen instead.
    const settle = (given: Partial<Given>) => {
      if (this.files()[name] === sending) this.put(name, given);
    };
    try {
      settle({ file: await firstValueFrom(this.api.upload(this.blueprint().projectId, file)) });
    } catch (error) {
      settle({ problem: toProblem(error) });
    }
  }

  protected async run(event: Event): Promise<void> {
    event.preventDefault();
    if (!this.isReady() || this.isBusy()) return;
    const goal = this.goal().trim();
    const inputs = this.blueprint().inputs.flatMap(({ name }) => {
      const { file } = this.given(name);
      return file ? [{ name, artifactId: file.artifactId }] : [];
    });
    this.sent.set(inputs.map(({ name }) => name));
    this.call.set(loading);
    try {
      const blueprint = this.blueprint();
      const body = { inputs, version: blueprint.version, ...(goal && { goal }) };
      const accepted = await firstValueFrom(this.api.run(blueprint, body));
      this.started.emit({ ...accepted, goal: goal || blueprint.name });
    } catch (error) {
      this.call.set(failed(error));
    }
  }
}
