import {
  ChangeDetectionStrategy,
  Component,
  ElementRef,
  computed,
  effect,
  inject,
  input,
  signal,
} from '@angular/core';
import { Router } from '@angular/router';
import type { McpTool, PolicyEffect, PolicyRule, Project } from '@aos/contracts';
import { TranslocoDirective, TranslocoService } from '@jsverse/transloco';
import { Store } from '@ngrx/store';
import { type Observable, from } from 'rxjs';
import { AosApi } from '../../../shared/api/aos-api';
import { RecordNames } from '../../../shared/api/record-names';
import { WhoDecides } from '../../../shared/i18n/who-decides';
import { keepFresh } from '../../../shared/realtime/keep-fresh';
import { Proposals } from '../../../shared/proposals/proposals';
import { session } from '../../../shared/state/session';
import { isElsewhere } from '../../../shared/table/table-keys';
import { FilterBar } from '../../../shared/ui/filter-bar';
import type { Filter } from '../../../shared/ui/filters';
import { Icon, type IconName } from '../../../shared/ui/icon';
import { ProblemNote } from '../../../shared/ui/problem-note';
import { StateMark, type Tone } from '../../../shared/ui/state-mark';
import { Age } from '../../../shared/ui/time';
import { IntegrationsApi } from '../integrations-api';
import { DryRun } from './dry-run';
import { PoliciesStore } from './policies-store';
import { effects, scopes } from './policy-draft';
import { ReviewDialog } from './review-dialog';
import { type KnownNames, RuleDialog } from './rule-dialog';

const tones: Record<PolicyEffect, Tone> = { allow: 'done', deny: 'failed', approve: 'waiting' };
const icons: Record<PolicyEffect, IconName> = { allow: 'done', deny: 'stop', approve: 'person' };

/** What a first rule is likely to be about. */
const starters: readonly Partial<PolicyRule>[] = [
  { id: 'ask-before-shell', effect: 'approve', servers: ['env'], tools: ['shell.*'] },
  { id: 'no-deleting', effect: 'deny', tools: ['*delete*'] },
];

/** The rules in their order, a draft of them, and beside it what would become of a call. */
@Component({
  selector: 'aos-policies-view',
  imports: [
    Age,
    DryRun,
    FilterBar,
    Icon,
    ProblemNote,
    Proposals,
    ReviewDialog,
    RuleDialog,
    StateMark,
    TranslocoDirective,
  ],
  providers: [PoliciesStore, RecordNames],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './policies-view.html',
  styleUrl: './policies-view.css',
  host: { '(document:keydown)': 'onKey($event)' },
})
export class PoliciesView {
  /** All of them from the address: words to find, an effect, the rule that is open, and the question of the dry run. */
  readonly q = input<string>();
  readonly effect = input<string>();
  readonly rule = input<string>();
  readonly tool = input<string>();
  readonly caller = input<string>();
  readonly project = input<string>();

  protected readonly store = inject(PoliciesStore);
  private readonly api = inject(IntegrationsApi);
  private readonly shared = inject(AosApi);
  private readonly router = inject(Router);
  private readonly transloco = inject(TranslocoService);
  private readonly host = inject<ElementRef<HTMLElement>>(ElementRef);
  private readonly state = inject(Store);
  private readonly me = this.state.selectSignal(session.selectMe);
  protected readonly mayWrite = this.state.selectSignal(session.selectMay('tool.write'));
  protected readonly mayCall = this.state.selectSignal(session.selectMay('tool.call'));
  private readonly mayReadRoles = this.state.selectSignal(session.selectMay('role.read'));

  protected readonly who = inject(WhoDecides);
  protected readonly tones = tones;
  protected readonly icons = icons;
  protected readonly effects = effects;
  protected readonly scopes = scopes;
  protected readonly starters = starters;
  protected readonly tools = signal<readonly McpTool[]>([]);
  protected readonly roles = signal<readonly string[]>([]);
  protected readonly agents = signal<readonly string[]>([]);
  protected readonly projects = signal<readonly Project[]>([]);
  private readonly names = inject(RecordNames);
  protected readonly active = signal<string | null>(null);
  protected readonly decided = signal<string | null>(null);
  protected readonly isReviewing = signal(false);
  protected readonly start = signal<Partial<PolicyRule>>({});
  /** For those who hear and do not see where a rule went. */
  protected readonly said = signal('');

  protected readonly rules = computed(() => {
    const words = (this.q() ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return (this.store.draft()?.rules ?? [])
      .map((rule, index) => ({ rule, place: index + 1 }))
      .filter(({ rule }) => {
        const all = JSON.stringify(rule).toLowerCase();
        const isFound = words.every((word) => all.includes(word));
        return isFound && (!this.effect() || this.effect() === rule.effect);
      });
  });
  protected readonly isFiltered = computed(() => !!this.q() || !!this.effect());
  protected readonly count = computed(() => this.store.draft()?.rules.length ?? 0);
  protected readonly open = computed(
    () => this.store.draft()?.rules.find(({ id }) => id === this.rule()) ?? null,
  );
  protected readonly isAdding = computed(() => this.rule() === '');
  protected readonly taken = computed(() =>
    (this.store.draft()?.rules ?? []).map(({ id }) => id).filter((id) => id !== this.rule()),
  );
  protected readonly known = computed((): KnownNames => ({
    servers: [...new Set(this.tools().map(({ server }) => server))],
    tools: [...new Set(this.tools().map(({ name }) => name))],
    roles: this.roles(),
    agents: this.agents(),
    projects: this.projects().map(({ id }) => id),
  }));
  protected readonly filters = computed((): readonly Filter[] => {
    this.transloco.activeLang();
    const word = (key: string) => this.transloco.translate<string>(`integrations.policies.${key}`);
    return [
      {
        kind: 'choice',
        key: 'effect',
        label: word('effect'),
        options: effects.map((value) => ({ value, label: word(`effects.${value}`) })),
      },
    ];
  });

  constructor() {
    void this.store.load();
    keepFresh(() => [from(this.store.load()).subscribe()]);
    const keep = <T>(asked: Observable<T>, take: (value: T) => void) =>
      // Names are only offered; without them a person can still type them.
      asked.subscribe({ next: take, error: () => undefined });
    keep(this.api.tools(), (tools) => this.tools.set(tools));
    keep(this.shared.agents(), ({ items }) => this.agents.set(items.map(({ name }) => name)));
    keep(this.shared.projects(), ({ items }) => this.projects.set(items));
    // Who may not see the roles would be refused, and the refusal would stand in the audit.
    if (this.mayReadRoles()) keep(this.api.roleNames(), (names) => this.roles.set(names));
    effect(() => {
      // Saved, or discarded: there is nothing left to look over.
      if (!this.store.isChanged()) this.isReviewing.set(false);
    });
  }

  protected readonly nameOf = (actor: string): string =>
    actor === `user:${this.me()?.user.id}`
      ? this.transloco.translate('integrations.policies.you')
      : this.names.who(actor);
  protected projectName(id: string): string {
    return this.projects().find((each) => each.id === id)?.name ?? id;
  }
  protected json(value: unknown): string {
    return value === undefined ? '' : JSON.stringify(value);
  }

  /** Null closes it; nothing between the quotes is a new one. */
  protected show(rule: string | null): void {
    void this.router.navigate([], {
      queryParams: { rule },
      queryParamsHandling: 'merge',
      replaceUrl: true,
    });
  }
  protected add(start: Partial<PolicyRule> = {}): void {
    this.start.set(start);
    this.show('');
  }
  protected put(rule: PolicyRule): void {
    this.store.put(rule, this.open()?.id ?? null);
    this.active.set(rule.id);
    this.show(null);
  }
  protected move(id: string, by: -1 | 1): void {
    if (this.isFiltered() || !this.mayWrite()) return;
    this.store.move(id, by);
    this.active.set(id);
    const place = (this.store.draft()?.rules ?? []).findIndex((rule) => rule.id === id) + 1;
    this.said.set(
      this.transloco.translate('integrations.policies.movedTo', { id, place, n: this.count() }),
    );
  }
  protected remove(id: string): void {
    this.store.remove(id);
    this.said.set(this.transloco.translate('integrations.policies.removed', { id }));
  }

  protected onKey(event: KeyboardEvent): void {
    const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
    const target = event.target as HTMLElement;
    const active = this.active();
    if (event.altKey && step !== 0 && active && this.host.nativeElement.contains(target)) {
      event.preventDefault();
      return this.move(active, step);
    }
    if (isElsewhere(event, this.host.nativeElement, true)) return;
    if (event.key === 'j' || event.key === 'k') this.walk(event.key === 'j' ? 1 : -1);
    else if (event.key === 'Enter' && active && isRow(target) && this.mayWrite()) this.show(active);
    else if (event.key === 'x' && active && this.mayWrite()) this.store.toggle(active);
    else return;
    event.preventDefault();
  }
  private walk(by: 1 | -1): void {
    const ids = this.rules().map(({ rule }) => rule.id);
    const at = ids.indexOf(this.active() ?? '');
    const next = ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : at + by];
    if (next === undefined) return;
    this.active.set(next);
    const row = [...this.host.nativeElement.querySelectorAll<HTMLElement>('[data-rule]')].find(
      ({ dataset }) => dataset['rule'] === next,
    );
    row?.focus();
  }
}

/** Enter on a button of a row is that button's. */
const isRow = (target: HTMLElement) => target.matches('[data-rule], body, #room');
