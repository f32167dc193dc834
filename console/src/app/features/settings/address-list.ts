import {
  ChangeDetectionStrategy,
  Component,
  DestroyRef,
  ElementRef,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import { takeUntilDestroyed, toObservable } from '@angular/core/rxjs-interop';
import type { AllowedAddress, OwnAccess, SystemConfig } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { catchError, debounceTime, map, of, switchMap, tap } from 'rxjs';
import { toProblem } from '../../shared/api/problem';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';
import { SettingsApi } from './settings-api';

const CHECK_AFTER_MS = 300;

export interface AddressFault {
  /** Of the settings: `allowedAddresses.3.address`. */
  readonly path: string;
  readonly message: string;
}

const isBlank = ({ address, note }: AllowedAddress) => address.trim() === '' && note.trim() === '';
const written = (rows: readonly AllowedAddress[]) => rows.filter((row) => !isBlank(row));
const isSame = (a: readonly AllowedAddress[], b: readonly AllowedAddress[]) =>
  JSON.stringify(a) === JSON.stringify(b);
const INDEX = /^allowedAddresses(?:\.|\[)(\d+)/;

let lists = 0;

/**
 * From where people and programs may come in. While it is edited the server says of it, as it would be, whether whoever edits
 * is in it, and which entries it does not take. A row that is blank is none.
 */
@Component({
  selector: 'aos-address-list',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <section *transloco="let t" [attr.aria-labelledby]="id + '-name'">
      <h3 [id]="id + '-name'">{{ t('settings.field.security.allowedAddresses.title') }}</h3>
      <p class="muted">{{ t('settings.field.security.allowedAddresses.help') }}</p>
      @if (rows().length > 0) {
        <div class="heads" aria-hidden="true">
          <span class="label">{{ t('settings.address.address') }}</span>
          <span class="label">{{ t('settings.address.note') }}</span>
        </div>
        <ul>
          @for (row of rows(); track $index) {
            <li>
              <input
                class="input mono"
                type="text"
                maxlength="64"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                placeholder="203.0.113.0/24"
                [attr.aria-label]="t('settings.address.addressN', { n: $index + 1 })"
                [attr.aria-invalid]="faultOf($index) !== null"
                [attr.aria-describedby]="faultOf($index) ? id + '-fault-' + $index : null"
                [value]="row.address"
                (input)="set($index, { address: $any($event.target).value })"
                (paste)="paste($index, $event)"
                (keydown.enter)="$event.preventDefault(); add()"
              />
              <input
                class="input"
                type="text"
                maxlength="200"
                autocomplete="off"
                [placeholder]="t('settings.address.noteHint')"
                [attr.aria-label]="t('settings.address.noteN', { n: $index + 1 })"
                [value]="row.note"
                (input)="set($index, { note: $any($event.target).value })"
                (keydown.enter)="$event.preventDefault(); add()"
              />
              <button
                class="btn icon quiet small"
                type="button"
                [attr.aria-label]="
                  t('settings.address.remove', { address: row.address || $index + 1 })
                "
                [title]="t('settings.address.remove', { address: row.address || $index + 1 })"
                (click)="remove($index)"
              >
                <aos-icon name="close" [size]="13" />
              </button>
              @if (faultOf($index); as fault) {
                <p class="fault" [id]="id + '-fault-' + $index">{{ fault }}</p>
              }
            </li>
          }
        </ul>
      }
      <div class="acts">
        <button class="btn small" type="button" (click)="add()">
          <aos-icon name="plus" [size]="13" />{{ t('settings.address.add') }}
        </button>
        @if (own(); as own) {
          <button class="btn small quiet" type="button" (click)="add(own)">
            <aos-icon name="plus" [size]="13" />{{ t('settings.address.addOwn', { address: own }) }}
          </button>
        }
      </div>
      @for (fault of ofTheList(); track $index) {
        <p class="fault">{{ fault.message }}</p>
      }
      <div aria-live="polite">
        @if (access(); as access) {
          <p class="own" [class]="tone()">
            <aos-icon [name]="tone() === 'bad' ? 'failed' : 'done'" [size]="15" />
            <span>{{ t('settings.address.' + place(), { address: access.address ?? '' }) }}</span>
          </p>
          @if (access.ignoresProxy) {
            <p class="own bad">
              <aos-icon name="failed" [size]="15" />
              <span>{{ t('settings.address.proxy') }}</span>
            </p>
          }
        }
      </div>
    </section>
  `,
  styles: `
    section {
      margin-top: 22px;
    }
    h3 {
      margin: 0 0 2px;
    }
    .muted {
      max-width: 76ch;
      margin: 0 0 10px;
    }
    .heads,
    li {
      display: grid;
      grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) 28px;
      align-items: center;
      gap: 4px 8px;
    }
    .heads {
      margin-bottom: 4px;
      color: var(--muted);
      font-size: 12px;
    }
    ul {
      display: flex;
      flex-direction: column;
      gap: 6px;
      margin: 0 0 10px;
      padding: 0;
      list-style: none;
    }
    [aria-invalid='true'] {
      border-color: var(--failed);
    }
    .fault {
      grid-column: 1 / -1;
      margin: 0;
      color: var(--failed);
      font-size: 12px;
      overflow-wrap: anywhere;
    }
    .acts {
      display: flex;
      flex-wrap: wrap;
      gap: 6px;
    }
    .own {
      display: flex;
      gap: 8px;
      max-width: 76ch;
      margin: 10px 0 0;
      padding: 8px 12px;
      border-radius: var(--radius);
      background: var(--done-tint);
      overflow-wrap: anywhere;
    }
    .own.bad {
      background: var(--failed-tint);
    }
    .own aos-icon {
      flex: none;
      margin-top: 2px;
      color: var(--done);
    }
    .own.bad aos-icon {
      color: var(--failed);
    }
    @media (max-width: 719px) {
      .heads {
        display: none;
      }
      li {
        grid-template-columns: minmax(0, 1fr) 28px;
        padding-bottom: 6px;
        border-bottom: 1px solid var(--line);
      }
      li .input:nth-of-type(2) {
        grid-column: 1;
        grid-row: 2;
      }
      li button {
        grid-column: 2;
        grid-row: 1;
      }
    }
  `,
})
export class AddressList {
  readonly value = input.required<readonly AllowedAddress[]>();
  /** What is in force: the list is asked about as if it were in these settings. */
  readonly config = input.required<SystemConfig>();
  /** What the server found wrong when it was sent. */
  readonly faults = input<readonly AddressFault[]>([]);
  readonly changed = output<AllowedAddress[]>();

  private readonly api = inject(SettingsApi);
  private readonly sentences = inject(Sentences);
  private readonly element = inject<ElementRef<HTMLElement>>(ElementRef);

  protected readonly id = `addresses${(lists += 1)}`;
  /** What is written, and rows that are blank as yet. */
  protected readonly rows = linkedSignal<readonly AllowedAddress[], readonly AllowedAddress[]>({
    source: this.value,
    computation: (value, previous) =>
      previous && isSame(written(previous.value), value) ? previous.value : value,
  });
  /** Said of the list as it stands; null while that has faults. */
  protected readonly access = signal<(OwnAccess & { isEmpty: boolean }) | null>(null);
  private readonly ownAddress = signal<string | null>(null);
  private readonly found = signal<readonly AddressFault[]>([]);

  protected readonly place = computed(() => {
    const access = this.access();
    if (!access?.address) return 'unknown';
    if (access.isEmpty) return 'everybody';
    if (access.isListed) return 'listed';
    return access.isAllowed ? 'besides' : 'unlisted';
  });
  protected readonly tone = computed(() =>
    ['unlisted', 'unknown'].includes(this.place()) ? 'bad' : 'good',
  );
  /** To be added, where it is not in the list. */
  protected readonly own = computed(() => (this.access()?.isListed ? null : this.ownAddress()));
  private readonly told = computed(() => [...this.found(), ...this.faults()]);
  protected readonly ofTheList = computed(() =>
    this.told().filter(({ path }) => !INDEX.test(path)),
  );

  constructor() {
    toObservable(this.value)
      .pipe(
        debounceTime(CHECK_AFTER_MS),
        switchMap((value) => this.check(value)),
        tap(({ access, faults }) => {
          this.access.set(access);
          if (access) this.ownAddress.set(access.address);
          this.found.set(faults);
        }),
        takeUntilDestroyed(inject(DestroyRef)),
      )
      .subscribe();
  }

  private check(allowedAddresses: readonly AllowedAddress[]) {
    const config = this.config();
    const security = { ...config.security, allowedAddresses: [...allowedAddresses] };
    return this.api.preview({ ...config, security }).pipe(
      map(({ access }) => ({
        access: { ...access, isEmpty: allowedAddresses.length === 0 },
        faults: [] as AddressFault[],
      })),
      catchError((error: unknown) => {
        const faults = (toProblem(error).errors ?? [])
          .filter(({ path }) => path.startsWith('security.allowedAddresses'))
          .map(({ path, message, said }) => ({
            path: path.slice('security.'.length),
            message: this.sentences.alone(said, message),
          }));
        return of({ access: null, faults });
      }),
    );
  }

  /** Of the entries, those that are blank are not sent and not counted. */
  protected faultOf(index: number): string | null {
    const rows = this.rows();
    if (!rows[index] || isBlank(rows[index])) return null;
    const sent = written(rows.slice(0, index)).length;
    const fault = this.told().find(({ path }) => Number(INDEX.exec(path)?.[1]) === sent);
    return fault?.message ?? null;
  }

  protected set(index: number, change: Partial<AllowedAddress>): void {
    this.put(this.rows().map((row, n) => (n === index ? { ...row, ...change } : row)));
  }
  protected remove(index: number): void {
    this.put(this.rows().filter((_, n) => n !== index));
  }
  protected add(address = ''): void {
    this.put([...this.rows(), { address, note: '' }]);
    setTimeout(() => {
      const fields = this.element.nativeElement.querySelectorAll<HTMLInputElement>('li .mono');
      [...fields].at(-1)?.focus();
    });
  }
  /** A list from elsewhere, one a line or with commas, is as many rows. */
  protected paste(index: number, event: ClipboardEvent): void {
    const parts = (event.clipboardData?.getData('text') ?? '').split(/[\s,;]+/).filter(Boolean);
    if (parts.length < 2) return;
    event.preventDefault();
    const rows = [...this.rows()];
    const [first, ...others] = parts.map((address) => ({ address, note: '' }));
    const note = rows[index]?.note ?? '';
    rows.splice(index, 1, { ...first!, note }, ...others);
    this.put(rows);
  }
  private put(rows: readonly AllowedAddress[]): void {
    this.rows.set(rows);
    this.changed.emit(written(rows));
  }
}
