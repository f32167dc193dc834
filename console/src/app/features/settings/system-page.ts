import { ChangeDetectionStrategy, Component, computed, inject, input, signal } from '@angular/core';
import type { Installation, Proposal, SystemConfigAnswer } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { firstValueFrom } from 'rxjs';
import { type Call, done, failed, idle, loading } from '../../shared/api/problem';
import { RecordNames } from '../../shared/api/record-names';
import { Proposals } from '../../shared/proposals/proposals';
import { isProposal } from '../../shared/proposals/is-proposal';
import { session } from '../../shared/state/session';
import { Beside } from '../../shared/ui/beside';
import { ProblemNote } from '../../shared/ui/problem-note';
import { Age, spaced } from '../../shared/ui/time';
import { Preferences } from '../../shared/ui/preferences';
import { isWords } from './config-changes';
import { DatabaseFacts } from './database-facts';
import { EditConfig } from './edit-config';
import { ModelTrial } from './model-trial';
import { ProviderChecks } from './provider-checks';
import { SettingsApi } from './settings-api';
import { TraceState } from './trace-state';

interface Line {
  path: string;
  value: unknown;
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
  ['millisecond', 1],
] as const;

/** A setting in the largest unit that it is a whole number of. */
function lengthOf(ms: number, language: string): string {
  const [unit, size] = units.find(([, each]) => ms % each === 0 && ms >= each) ?? units[4];
  return spaced(
    new Intl.NumberFormat(language === 'zh' ? 'zh-CN' : 'en-GB', {
      style: 'unit',
      unit,
      unitDisplay: 'long',
    }).format(ms / size),
  );
}

/** Of a list, in one line: an address with its note, a header with the name of its secret, and all else as it is stored. */
function entryOf(entry: unknown): string {
  if (!isWords(entry)) return String(entry);
  const { address, note, name, secret, prefix } = entry;
  if (typeof secret === 'string')
    return `${String(name)}: ${typeof prefix === 'string' ? prefix : ''}[${secret}]`;
  if (typeof address !== 'string') return JSON.stringify(entry);
  return typeof note === 'string' && note !== '' ? `${address} (${note})` : address;
}

/** The settings as they are, part by part, and what was decided when the process was started. */
@Component({
  selector: 'aos-system-page',
  providers: [RecordNames],
  imports: [
    Age,
    DatabaseFacts,
    EditConfig,
    ModelTrial,
    ProblemNote,
    Proposals,
    ProviderChecks,
    TraceState,
    TranslocoDirective,
  ],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.system') }}</h1>
        <span class="grow"></span>
        @if (mayWrite()) {
          <button
            class="btn filled"
            type="button"
            [disabled]="!stored() || !schema()"
            (click)="openEditor(sections()[0] ?? null)"
          >
            {{ t('settings.system.edit') }}
          </button>
        }
      </div>
      <p class="lead">{{ t('settings.system.lead') }}</p>
      @if (call(); as call) {
        @if (call.state === 'failed') {
          <aos-problem [problem]="call.problem" [canRetry]="true" (retry)="load()" />
        } @else if (call.state === 'loading' && !stored()) {
          <div class="skeleton" aria-hidden="true"></div>
        }
      }
      @defer (on immediate) {
        <aos-proposals kind="settings" (applied)="load()" />
      }
      @if (stored(); as stored) {
        <p class="meta version">
          {{ t('settings.system.version', { n: stored.version }) }} ·
          {{
            stored.updatedBy === 'system' ? t('settings.system.defaults') : nameOf(stored.updatedBy)
          }}
          · <aos-age [at]="stored.updatedAt" />
          @if (stored.comment && stored.updatedBy !== 'system') {
            · {{ stored.comment }}
          }
        </p>
        @for (section of sections(); track section) {
          <section class="card">
            <header>
              <h2 class="grow">{{ word(section + '.title') ?? section }}</h2>
              @if (mayWrite() && schema()) {
                <button
                  class="btn small quiet"
                  type="button"
                  [attr.aria-label]="
                    t('settings.system.editOf', { name: word(section + '.title') ?? section })
                  "
                  (click)="openEditor(section)"
                >
                  {{ t('settings.edit') }}
                </button>
              }
            </header>
            <dl>
              @for (line of linesOf(section); track line.path) {
                <dt [title]="line.path">{{ word(line.path + '.title') ?? line.path }}</dt>
                @if (overrideOf(line.path); as variable) {
                  <dd>
                    <span class="overridden">{{ shown(line) }}</span><span class="by">{{
                      t('settings.traces.override', { variable })
                    }}</span>
                  </dd>
                } @else {
                  <dd [class.muted]="isUnset(line.value)">{{ shown(line) }}</dd>
                }
              }
            </dl>
            @if (section === 'telemetry' && installation()) {
              @defer (on immediate) {
                <aos-trace-state [initial]="installation()!.traces" />
              }
            }
            @if (isModel(section) && mayWrite()) {
              @defer (on immediate) {
                <aos-model-trial
                  [section]="section"
                  [label]="word(section + '.title') ?? section"
                  [version]="stored.version"
                />
              }
            }
            @if (section === 'database' && installation()) {
              @defer (on immediate) {
                <aos-database-facts [facts]="installation()!.database" />
              }
            }
            @if (section === 'security' && mayWrite() && providers().length) {
              @defer (on immediate) {
                <aos-provider-checks [providers]="providers()" />
              }
            }
          </section>
        }
        @if (installation(); as it) {
          <section class="card">
            <header>
              <h2 class="grow">{{ t('settings.installation.title') }}</h2>
              <span class="meta">{{ t('settings.installation.readOnly') }}</span>
            </header>
            <dl>
              <dt>pgvector</dt>
              <dd>
                {{ t('settings.installation.' + (it.database.hasVector ? 'vector' : 'noVector')) }}
              </dd>
              <dt>{{ t('settings.installation.bus') }}</dt>
              <dd>{{ it.bus }}</dd>
              <dt>{{ t('settings.installation.roles') }}</dt>
              <dd>{{ it.roles.join(', ') }}</dd>
              <dt>Node.js</dt>
              <dd>{{ it.node }}</dd>
            </dl>
          </section>
        }
      }
      @if (editing() !== null && stored() && schema()) {
        @defer (on immediate) {
          <aos-edit-config
            [base]="stored()!"
            [schema]="schema()!"
            [section]="editing()!"
            [overrides]="installation()?.traces?.overrides ?? []"
            (saved)="onSaved($event)"
            (closed)="openEditor(null)"
          />
        } @error {
          <p class="fault" role="alert">{{ t('shell.roomFailed') }}</p>
        }
      }
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    .version {
      margin-bottom: 12px;
    }
    section {
      margin-bottom: 12px;
    }
    header {
      display: flex;
      align-items: center;
      min-height: 44px;
      padding: 0 8px 0 16px;
      border-bottom: 1px solid var(--line);
    }
    header .meta {
      padding-right: 8px;
    }
    section h2 {
      margin: 0;
    }
    dl {
      display: grid;
      grid-template-columns: minmax(160px, 260px) 1fr;
      gap: 8px 16px;
      margin: 0;
      padding: 12px 16px;
    }
    dt {
      color: var(--muted);
    }
    dd {
      margin: 0;
      overflow-wrap: anywhere;
      font-variant-numeric: tabular-nums;
    }
    .overridden {
      color: var(--muted);
      text-decoration: line-through;
    }
    .by {
      display: block;
      font-size: 12px;
    }
    @media (max-width: 719px) {
      dl {
        grid-template-columns: 1fr 1fr;
      }
    }
  `,
})
export class SystemPage {
  private readonly api = inject(SettingsApi);
  private readonly beside = inject(Beside);
  private readonly names = inject(RecordNames);
  private readonly transloco = inject(TranslocoService);
  private readonly preferences = inject(Preferences);
  private readonly store = inject(Store);
  protected readonly mayWrite = this.store.selectSignal(session.selectMay('config.write'));

  protected readonly call = signal<Call>(idle);
  protected readonly stored = signal<SystemConfigAnswer | null>(null);
  protected readonly schema = signal<object | null>(null);
  protected readonly installation = signal<Installation | null>(null);
  /** Of the address: the section that is edited. */
  readonly edit = input<string>();
  protected readonly editing = computed(() =>
    this.mayWrite() ? (this.sections().find((section) => section === this.edit()) ?? null) : null,
  );
  protected readonly providers = computed(
    () => this.stored()?.config.security.signIn.providers ?? [],
  );
  protected readonly sections = computed(() => Object.keys(this.stored()?.config ?? {}));

  constructor() {
    void this.load();
  }

  protected async load(): Promise<void> {
    this.call.set(loading);
    try {
      const [stored, schema, installation] = await Promise.all([
        firstValueFrom(this.api.system()),
        firstValueFrom(this.api.schema()),
        firstValueFrom(this.api.installation()),
      ]);
      this.stored.set(stored);
      this.schema.set(schema);
      this.installation.set(installation);
      this.call.set(done);
    } catch (error) {
      this.call.set(failed(error));
      return;
    }
  }

  protected onSaved(stored: SystemConfigAnswer | Proposal): void {
    // What waits stands above, as soon as the stream tells of it.
    if (!isProposal(stored)) {
      this.stored.set(stored);
      void this.load(); // how it is now is part of the page
    }
    this.openEditor(null);
  }

  protected openEditor(section: string | null): void {
    this.beside.show('edit', section);
  }
  /** A section with a model that can be asked. */
  protected isModel(section: string): section is 'llm' | 'embeddings' {
    const config = this.stored()?.config;
    return (
      (section === 'llm' || section === 'embeddings') &&
      (config?.[section].provider ?? 'none') !== 'none'
    );
  }
  protected nameOf(actor: string): string {
    return this.names.who(actor);
  }
  protected word(path: string): string | null {
    const key = `settings.field.${path}`;
    const text = this.transloco.translate<string>(key);
    return text === key ? null : text;
  }
  /** The variable of the process that holds instead. */
  protected overrideOf(path: string): string | undefined {
    return this.installation()?.traces.overrides.find((each) => each.path === path)?.variable;
  }
  protected linesOf(section: string): Line[] {
    const words = (this.stored()?.config as Record<string, unknown> | undefined)?.[section];
    const known = (this.schema() as { properties?: Record<string, unknown> } | null)?.properties?.[
      section
    ];
    const keys =
      isWords(known) && isWords(known['properties']) ? Object.keys(known['properties']) : [];
    const line = (value: unknown, path: string): Line[] =>
      isWords(value)
        ? Object.entries(value).flatMap(([key, inner]) => line(inner, `${path}.${key}`))
        : [{ path, value }];
    const all = isWords(words)
      ? [...new Set([...keys, ...Object.keys(words)])].map((key) => [key, words[key]] as const)
      : [];
    return all.flatMap(([key, value]) => line(value, `${section}.${key}`));
  }
  protected isUnset(value: unknown): boolean {
    return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  }
  protected shown({ path, value }: Line): string {
    if (this.isUnset(value))
      return this.word(`${path}.none`) ?? this.transloco.translate('settings.system.unset');
    if (typeof value === 'number' && path.endsWith('Ms'))
      return lengthOf(value, this.preferences.language());
    if (typeof value === 'number' && path.startsWith('database.keptDays.'))
      return this.transloco.translate('settings.database.kept', {
        length: lengthOf(value * 86_400_000, this.preferences.language()),
      });
    if (typeof value === 'number' && path.endsWith('PriceCny'))
      return this.transloco.translate('settings.system.price', { n: value });
    if (typeof value === 'number' && path.endsWith('Ratio'))
      return new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 4 }).format(
        value,
      );
    if (typeof value === 'boolean')
      return this.transloco.translate(value ? 'settings.yes' : 'settings.no');
    if (Array.isArray(value)) return value.map(entryOf).join(', ');
    return this.word(`${path}.values.${String(value)}`) ?? String(value);
  }
}
