import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
  untracked,
} from '@angular/core';
import type { Approvers, PolicyCondition, PolicyEffect, PolicyRule } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Unsent } from '../../../shared/forms/unsent';
import { WhoDecides, isParticular } from '../../../shared/i18n/who-decides';
import { Dialog } from '../../../shared/ui/dialog';
import { Icon } from '../../../shared/ui/icon';
import { NameList } from './name-list';
import {
  type Scope,
  effects,
  freshRule,
  hasFaults,
  operators,
  ruleFaults,
  scopes,
  typedOf,
  valueOf,
} from './policy-draft';

/** Names that are offered in the fields of a rule. */
export type KnownNames = Readonly<Record<Scope, readonly string[]>>;

/** A condition while it is written: its value as it was typed. */
interface Typed {
  pointer: string;
  op: PolicyCondition['op'];
  typed: string;
  negate: boolean;
}

/** A rule as it stands in the fields. */
interface Written {
  draft: PolicyRule;
  conditions: readonly Typed[];
}

const asWritten = (rule: PolicyRule): Written => ({
  draft: rule,
  conditions: rule.when.map((condition) => ({
    pointer: condition.pointer,
    op: condition.op,
    typed: typedOf(condition),
    negate: condition.negate,
  })),
});

/** One rule, put into the draft when it is whole. */
@Component({
  selector: 'aos-rule-dialog',
  imports: [Dialog, Icon, NameList, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './rule-dialog.html',
  styleUrls: ['../../../shared/ui/form.css', './rule-dialog.css'],
})
export class RuleDialog {
  /** Null for a new one. */
  readonly rule = input<PolicyRule | null>(null);
  /** What a new one begins with. */
  readonly start = input<Partial<PolicyRule>>({});
  readonly taken = input<readonly string[]>([]);
  readonly known = input.required<KnownNames>();
  readonly put = output<PolicyRule>();
  readonly closed = output();

  protected readonly effects = effects;
  protected readonly scopes = scopes;
  protected readonly operators = operators;
  private readonly unsent = inject(Unsent);
  private readonly place = computed(() => `rule ${this.rule()?.id ?? ''}`);
  private readonly begun = computed((): Written => {
    const rule = this.rule() ?? { ...freshRule, ...this.start() };
    const place = this.place();
    return untracked(() => this.unsent.take<Written>(place)) ?? asWritten(rule);
  });
  protected readonly draft = linkedSignal(() => this.begun().draft);
  protected readonly conditions = linkedSignal(() => this.begun().conditions);
  private readonly hasTried = signal(false);
  private readonly who = inject(WhoDecides);
  protected readonly counts = [1, 2, 3, 4, 5];
  protected readonly approvers = computed(
    (): Approvers => this.draft().approvers ?? { count: 1, secondPerson: false },
  );
  protected readonly whom = computed(() => this.who.of(this.approvers()));
  private readonly whole = computed((): PolicyRule => ({
    ...withoutApprovers(this.draft()),
    // Of a rule that does not ask nobody has to decide; and one person, whoever it is, goes without saying.
    ...(this.draft().effect === 'approve' &&
      isParticular(this.approvers()) && { approvers: this.approvers() }),
    description: this.draft().description.trim(),
    when: this.conditions().map(({ pointer, op, typed, negate }) => {
      const value = valueOf(op, typed);
      return { pointer: pointer.trim(), op, negate, ...(value !== undefined && { value }) };
    }),
  }));
  private readonly faults = computed(() => ruleFaults(this.whole(), this.taken()));
  protected readonly shown = computed(() => (this.hasTried() ? this.faults() : { when: {} }));

  constructor() {
    this.unsent.keep(() => ({
      place: this.place(),
      value: { draft: this.draft(), conditions: this.conditions() } satisfies Written,
    }));
  }

  protected set<K extends keyof PolicyRule>(key: K, value: PolicyRule[K]): void {
    this.draft.update((draft) => ({ ...draft, [key]: value }));
  }
  protected setEffect(effect: PolicyEffect): void {
    this.set('effect', effect);
  }
  /** An empty list matches nothing; without one every name does, which is what an empty field says. */
  protected setScope(scope: Scope, names: string[]): void {
    this.draft.update(({ [scope]: _, ...rest }) =>
      names.length > 0 ? { ...rest, [scope]: names } : rest,
    );
  }
  protected setApprovers(change: Partial<Approvers>): void {
    const { roles, ...rest } = { ...this.approvers(), ...change };
    // An empty list would be nobody at all; without one it is whoever may decide, which is what an empty field says.
    this.set('approvers', { ...rest, ...(roles && roles.length > 0 && { roles }) });
  }
  protected addCondition(): void {
    this.conditions.update((all) => [
      ...all,
      { pointer: '/', op: 'equals', typed: '', negate: false },
    ]);
  }
  protected setCondition(index: number, change: Partial<Typed>): void {
    this.conditions.update((all) =>
      all.map((each, at) => (at === index ? { ...each, ...change } : each)),
    );
  }
  protected dropCondition(index: number): void {
    this.conditions.update((all) => all.filter((_, at) => at !== index));
  }

  protected submit(event: Event): void {
    event.preventDefault();
    this.hasTried.set(true);
    if (!hasFaults(this.faults())) this.put.emit(this.whole());
  }
}

const withoutApprovers = ({ approvers: _, ...rest }: PolicyRule): PolicyRule => rest;
