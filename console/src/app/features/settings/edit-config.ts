import {
  ChangeDetectionStrategy,
  Component,
  afterNextRender,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type {
  AllowedAddress,
  ConfigPreview,
  KeptHistory,
  Proposal,
  SystemConfig,
  SystemConfigAnswer,
  TraceExportState,
} from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { type Call, failed, idle, loading, toProblem } from '../../shared/api/problem';
import { type FormFault, schemaFaults } from '../../shared/forms/schema-faults';
import { SchemaForm } from '../../shared/forms/schema-form';
import { SchemaReader } from '../../shared/forms/schema-reader';
import { Sentences } from '../../shared/i18n/sentences';
import { SecondPersonNote } from '../../shared/proposals/second-person-note';
import { Difference } from '../../shared/ui/difference';
import { Dialog } from '../../shared/ui/dialog';
import { Preferences } from '../../shared/ui/preferences';
import { ProblemNote } from '../../shared/ui/problem-note';
import { fileSize } from '../../shared/ui/time';
import { AddressList } from './address-list';
import { type Words, isWords, leavesChanged, withLeaves, withTitles } from './config-changes';
import { SettingsApi } from './settings-api';

/**
 * Two steps in one dialog: edit, then what changes. When somebody else has saved meanwhile, it shows what they
 * changed and puts the changes made here upon it, once the person says so.
 */
@Component({
  selector: 'aos-edit-config',
  imports: [
    AddressList,
    Dialog,
    Difference,
    ProblemNote,
    SchemaForm,
    SecondPersonNote,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-dialog
      *transloco="let t"
      size="large"
      [title]="
        t(isRestore() ? 'settings.system.restoring' : 'settings.system.editing', {
          n: base().version,
        })
      "
      [isBusy]="call().state === 'loading'"
      (closed)="closed.emit()"
    >
      <ol class="steps" [attr.aria-label]="t('settings.system.steps')">
        <li [attr.aria-current]="step() === 'edit' ? 'step' : null">
          <span class="num">1</span>{{ t('settings.system.stepEdit') }}
        </li>
        <li [attr.aria-current]="step() === 'edit' ? null : 'step'">
          <span class="num">2</span>{{ t('settings.system.stepChanges') }}
        </li>
      </ol>
      @if (step() === 'edit') {
        <div class="sections" role="group" [attr.aria-label]="t('settings.system.sections')">
          @for (name of sections(); track name) {
            <button
              class="chip"
              type="button"
              [attr.aria-pressed]="name === chosen()"
              (click)="chosen.set(name)"
            >
              {{ word(name + '.title') ?? name }}
              @if (isTouched(name)) {
                <span class="dot" aria-hidden="true"></span
                ><span class="sr-only">{{ t('settings.system.touched') }}</span>
              }
            </button>
          }
        </div>
        @if (word(chosen() + '.help'); as help) {
          <p class="muted help">{{ help }}</p>
        }
        @if (chosen() === 'telemetry' && overrides().length) {
          <div class="warn">
            {{ t('settings.traces.overridden') }}
            <ul class="touches">
              @for (each of overrides(); track each.path) {
                <li>
                  {{ word(each.path + '.title') ?? each.path }} <code>{{ each.variable }}</code>
                </li>
              }
            </ul>
          </div>
        }
        @for (name of [chosen()]; track name) {
          <aos-schema-form
            [schema]="schemaOf(name)"
            [value]="partOf(name)"
            [label]="word(name + '.title') ?? name"
            [faults]="faultsOf(name)"
            (changed)="change(name, $event)"
            (broken)="isBroken.set($event)"
          />
          @if (name === 'security') {
            @defer (on immediate) {
              <aos-address-list
                [value]="addresses()"
                [config]="original().config"
                [faults]="addressFaults()"
                (changed)="changeAddresses($event)"
              />
            }
          }
        }
      } @else if (newer(); as newer) {
        <p class="warn">
          {{ t('settings.system.newer', { n: newer.version, base: original().version }) }}
        </p>
        <h3>{{ t('settings.system.theirs') }}</h3>
        <aos-difference
          [before]="original().config"
          [after]="newer.config"
          [beforeLabel]="t('settings.system.versionN', { n: original().version })"
          [afterLabel]="t('settings.system.versionN', { n: newer.version })"
        />
        <h3>{{ t('settings.system.yours') }}</h3>
        <aos-difference
          [before]="original().config"
          [after]="draft()"
          [beforeLabel]="t('settings.system.versionN', { n: original().version })"
          [afterLabel]="t('settings.system.yourDraft')"
        />
      } @else {
        <aos-difference
          [before]="original().config"
          [after]="draft()"
          [beforeLabel]="t('settings.system.versionN', { n: original().version })"
          [afterLabel]="t('settings.system.afterSaving')"
        />
        @if (locksOut(); as address) {
          <p class="warn">{{ t('settings.address.unlisted', { address }) }}</p>
        }
        @if (removes().length) {
          <div class="warn danger" role="alert">
            <strong>{{ t('settings.database.removes') }}</strong>
            <ul class="touches">
              @for (gone of removes(); track gone.part) {
                <li>{{ removed(gone) }}</li>
              }
            </ul>
            <p>{{ t('settings.database.removesCopy') }}</p>
          </div>
        }
        @if (touched().length) {
          <h3>{{ t('settings.system.touches') }}</h3>
          <ul class="touches">
            @for (name of touched(); track name) {
              <li>
                <strong>{{ word(name + '.title') ?? name }}</strong>
                {{ word(name + '.touches') ?? t('settings.system.touchesAtOnce') }}
              </li>
            }
          </ul>
          <div class="field">
            <label for="config-comment">{{ t('settings.system.comment') }}</label>
            <input
              id="config-comment"
              class="input"
              type="text"
              maxlength="500"
              autocomplete="off"
              [value]="comment()"
              (input)="comment.set($any($event.target).value)"
            />
          </div>
          @defer (on immediate) {
            <aos-second-person-note kind="settings" [touchesRule]="touchesRule()" />
          }
        }
      }
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" />
        }
      }
      <ng-container ngProjectAs="[actions]">
        @if (step() === 'edit') {
          <button class="btn" type="button" (click)="closed.emit()">
            {{ t('dialog.cancel') }}
          </button>
          <button
            class="btn filled"
            type="button"
            [disabled]="isBroken() || call().state === 'loading' || !touched().length"
            (click)="preview()"
          >
            {{ t('settings.system.toChanges') }}
          </button>
        } @else {
          <button
            class="btn"
            type="button"
            [disabled]="call().state === 'loading'"
            (click)="back()"
          >
            {{ t('settings.system.back') }}
          </button>
          @if (newer()) {
            <button class="btn filled" type="button" (click)="reapply()">
              {{ t('settings.system.reapply') }}
            </button>
          } @else {
            <button
              class="btn filled"
              type="button"
              [disabled]="!touched().length || call().state === 'loading'"
              (click)="save()"
            >
              {{ t(isRestore() ? 'settings.system.restore' : 'settings.system.save') }}
            </button>
          }
        }
      </ng-container>
    </aos-dialog>
  `,
  styles: `
    .steps {
      display: flex;
      gap: 20px;
      margin: 0 0 14px;
      padding: 0;
      list-style: none;
      color: var(--muted);
    }
    .steps li {
      display: flex;
      align-items: center;
      gap: 8px;
    }
    .steps .num {
      display: grid;
      place-items: center;
      width: 20px;
      height: 20px;
      border: 1px solid var(--line-strong);
      border-radius: 50%;
      font-size: 12px;
    }
    .steps [aria-current] {
      color: var(--ink);
      font-weight: 550;
    }
    .steps [aria-current] .num {
      border-color: transparent;
      background: var(--accent);
      color: var(--on-accent);
    }
    .sections {
      display: flex;
      flex-wrap: wrap;
      gap: 4px;
      margin-bottom: 12px;
    }
    .dot {
      width: 6px;
      height: 6px;
      border-radius: 50%;
      background: var(--accent);
    }
    .help {
      max-width: 76ch;
      margin-bottom: 12px;
    }
    h3 {
      margin: 18px 0 6px;
    }
    .touches {
      margin: 0 0 16px;
      padding-left: 18px;
    }
    .touches li {
      margin-bottom: 4px;
    }
    .warn {
      padding: 10px 12px;
      border-radius: var(--radius);
      background: var(--waiting-tint);
    }
    .danger {
      margin-top: 12px;
      background: var(--failed-tint);
    }
    .danger p {
      margin: 6px 0 0;
    }
    .warn .touches {
      margin: 6px 0 0;
    }
    div.warn {
      margin-bottom: 12px;
    }
    aos-problem {
      margin-top: 16px;
    }
  `,
})
export class EditConfig {
  /** What was read, and is compared with. */
  readonly base = input.required<SystemConfigAnswer>();
  readonly schema = input.required<object>();
  readonly section = input('');
  /** An older version to go back to: then the dialog begins with what that changes. */
  readonly restore = input<SystemConfig | null>(null);
  /** Fields that do not hold for now, and the variables of the process that win. */
  readonly overrides = input<TraceExportState['overrides']>([]);
  readonly saved = output<SystemConfigAnswer | Proposal>();
  readonly closed = output();

  private readonly api = inject(SettingsApi);
  private readonly transloco = inject(TranslocoService);
  private readonly sentences = inject(Sentences);
  private readonly day = new Intl.DateTimeFormat(
    inject(Preferences).language() === 'zh' ? 'zh-CN' : 'en-GB',
    { dateStyle: 'medium', timeZone: 'UTC' },
  );

  protected readonly isRestore = computed(() => this.restore() !== null);
  protected readonly original = linkedSignal(() => this.base());
  protected readonly draft = linkedSignal(() => this.restore() ?? this.base().config);
  protected readonly chosen = linkedSignal(() => this.section() || (this.sections()[0] ?? ''));
  protected readonly step = linkedSignal<'edit' | 'changes'>(() =>
    this.restore() ? 'changes' : 'edit',
  );
  protected readonly newer = signal<SystemConfigAnswer | null>(null);
  protected readonly call = signal<Call>(idle);
  protected readonly comment = signal('');
  protected readonly isBroken = signal(false);
  private readonly refused = signal<readonly { path: string; message: string }[]>([]);
  /** Of an older version the list may be absent: then everybody may come in. */
  protected readonly addresses = computed(
    () =>
      (this.draft().security as Partial<SystemConfig['security']> | undefined)?.allowedAddresses ??
      [],
  );
  /** Their own address, where saving would leave it out. */
  protected readonly locksOut = signal<string | null>(null);

  /** History that goes by it. */
  protected readonly removes = signal<readonly KeptHistory[]>([]);

  protected readonly sections = computed(() =>
    Object.keys((this.schema() as { properties?: object }).properties ?? {}),
  );
  private readonly titled = computed(
    () =>
      withTitles(this.schema(), (path) => this.word(path)) as {
        properties: Record<string, unknown>;
      },
  );
  private readonly changes = computed(() => leavesChanged(this.original().config, this.draft()));
  protected readonly touched = computed(() => [
    ...new Set(this.changes().map(({ path }) => path[0] ?? '')),
  ]);

  protected readonly touchesRule = computed(() =>
    this.changes().some(({ path }) => path[0] === 'security' && path[1] === 'secondPerson'),
  );

  protected word(path: string): string | null {
    const key = `settings.field.${path}`;
    const text = this.transloco.translate<string>(key);
    return text === key ? null : text;
  }
  protected isTouched(name: string): boolean {
    return this.touched().includes(name);
  }
  protected schemaOf(name: string): unknown {
    const part = withoutAddresses(name, this.titled().properties[name]);
    // A part as a whole is always there; its title stands on the chip.
    return isWords(part) ? { ...part, title: undefined, description: undefined } : part;
  }
  protected partOf(name: string): unknown {
    const part = (this.draft() as Words)[name] ?? {};
    if (name !== 'security' || !isWords(part)) return part;
    const { allowedAddresses: _, ...rest } = part;
    return rest;
  }
  protected faultsOf(name: string): readonly FormFault[] {
    const wrong = schemaFaults(new SchemaReader(this.schemaOf(name)), this.partOf(name));
    return [...wrong, ...this.saidOf(name).filter((fault) => !isOfAddresses(name, fault))];
  }
  protected readonly addressFaults = computed(() =>
    this.saidOf('security').filter((fault) => isOfAddresses('security', fault)),
  );
  private saidOf(name: string) {
    return this.refused()
      .filter(({ path }) => path.startsWith(`${name}.`))
      .map((fault) => ({ ...fault, path: fault.path.slice(name.length + 1) }));
  }
  protected change(name: string, value: unknown): void {
    this.refused.set([]);
    const list = name === 'security' ? { allowedAddresses: this.addresses() } : {};
    this.draft.update((draft) => ({ ...draft, [name]: { ...(value ?? {}), ...list } }));
  }
  protected changeAddresses(allowedAddresses: AllowedAddress[]): void {
    this.refused.set([]);
    this.draft.update((draft) => ({
      ...draft,
      security: { ...draft.security, allowedAddresses },
    }));
  }

  protected async preview(): Promise<void> {
    const wrong = this.sections().find((name) => this.faultsOf(name).length > 0);
    if (wrong !== undefined) return this.chosen.set(wrong);
    this.call.set(loading);
    try {
      const preview = await firstValueFrom(this.api.preview(this.draft()));
      await this.compare(preview);
      this.call.set(idle);
    } catch (error) {
      this.refuse(error);
    }
  }

  constructor() {
    // An older version is looked at before it is brought back, as any other change is.
    afterNextRender(() => {
      if (this.isRestore()) void this.preview();
    });
  }

  private async compare({ baseVersion, access, removes }: ConfigPreview): Promise<void> {
    this.removes.set(removes);
    this.locksOut.set(access.isAllowed ? null : (access.address ?? '?'));
    this.newer.set(
      baseVersion === this.original().version ? null : await firstValueFrom(this.api.system()),
    );
    this.step.set('changes');
  }

  protected removed({ part, weeks, from, until, bytes }: KeptHistory): string {
    const day = (at: string | null, before = 0) =>
      at === null ? '' : this.day.format(Date.parse(at) - before);
    return this.transloco.translate(
      `settings.database.${weeks === 1 ? 'removedWeek' : 'removedWeeks'}`,
      {
        part: this.word(`database.keptDays.${part}.title`) ?? part,
        ...{ n: weeks, from: day(from), until: day(until, 1), size: fileSize(bytes) },
      },
    );
  }

  protected back(): void {
    this.newer.set(null);
    this.call.set(idle);
    this.step.set('edit');
  }

  protected reapply(): void {
    const newer = this.newer();
    if (!newer) return;
    this.draft.set(withLeaves(newer.config, this.changes()));
    this.original.set(newer);
    this.newer.set(null);
    this.call.set(idle);
  }

  protected async save(): Promise<void> {
    this.call.set(loading);
    try {
      const saved = await firstValueFrom(
        this.api.save(this.draft(), this.original().version, this.comment().trim()),
      );
      this.call.set(idle);
      this.saved.emit(saved);
    } catch (error) {
      const problem = toProblem(error);
      if (problem.status !== 412) return this.refuse(error);
      this.newer.set(await firstValueFrom(this.api.system()).catch(() => null));
      if (this.newer()) this.call.set(idle);
      else this.refuse(error);
    }
  }

  /** Faults that have a field stand there; the person is led to the part they are in. */
  private refuse(error: unknown): void {
    const problem = toProblem(error);
    this.call.set(failed(error));
    const faults = (problem.errors ?? []).map(({ path, message, said }) => ({
      path,
      message: this.sentences.alone(said, message),
    }));
    const name = this.sections().find((each) =>
      faults.some(({ path }) => path.startsWith(`${each}.`)),
    );
    if (name === undefined) return;
    this.refused.set(faults);
    this.chosen.set(name);
    this.step.set('edit');
  }
}

/** The list of addresses is no part of the form that is made from the schema: it has an editor of its own. */
function withoutAddresses(name: string, schema: unknown): unknown {
  if (name !== 'security' || !isWords(schema) || !isWords(schema['properties'])) return schema;
  const { allowedAddresses: _, ...properties } = schema['properties'];
  const required = (schema['required'] as string[] | undefined)?.filter(
    (key) => key !== 'allowedAddresses',
  );
  return { ...schema, properties, ...(required && { required }) };
}

const isOfAddresses = (name: string, { path }: { path: string }) =>
  name === 'security' && path.startsWith('allowedAddresses');
