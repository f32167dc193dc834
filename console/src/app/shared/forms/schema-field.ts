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
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../i18n/sentences';
import { Icon } from '../ui/icon';
import { Revealed } from '../ui/revealed';
import { type FormFault, pointer, schemaFaults } from './schema-faults';
import { SchemaLeaf, isOpenQuestion } from './schema-leaf';
import { MAX_DEPTH, type Node, SchemaReader, type Shape, isWords } from './schema-reader';

const types = new Set(['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']);
type Value = Readonly<Record<string, unknown>>;

/** One field of the form with its name, its help and what is wrong with it; and the fields within it. */
@Component({
  selector: 'aos-schema-field',
  imports: [Icon, Revealed, SchemaLeaf, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  templateUrl: './schema-field.html',
  styleUrl: './schema-field.css',
  host: {
    '[class.group]': 'isGroup()',
    '[class.item]': 'isItem()',
    '[class.boolean]': 'isSwitch()',
    '[attr.role]': 'isGroup() && name() ? "group" : null',
    '[attr.aria-labelledby]': 'isGroup() && name() ? id() + "-name" : null',
  },
})
export class SchemaField {
  protected readonly sentences = inject(Sentences);
  readonly reader = input.required<SchemaReader>();
  readonly node = input.required<Node>();
  readonly value = input.required<unknown>();
  /** Empty for the whole: that has no name of its own. */
  readonly name = input('');
  readonly path = input('');
  readonly prefix = input.required<string>();
  readonly depth = input(0);
  readonly isRequired = input(false);
  /** It stands because someone put it there: an entry of a map, a branch of a choice. */
  readonly isPresent = input(false);
  readonly isItem = input(false);
  /** For a branch, which has no name of its own. */
  readonly ariaLabel = input('');
  readonly disabled = input(false);
  readonly faults = input<readonly FormFault[]>([]);
  readonly changed = output<unknown>();

  protected readonly newKey = signal('');
  /** Without spaces: a name may hold some, and `aria-describedby` is a list. */
  protected readonly id = computed(() => this.prefix() + encodeURI(this.path()));
  protected readonly shape = computed((): Shape => {
    const shape = this.reader().shape(this.node(), this.name());
    const isOver = this.depth() > MAX_DEPTH;
    // A value that is not of the shape is shown as it is, and not hidden behind an empty form.
    const isOther =
      (shape.kind === 'object' && this.value() !== undefined && !isWords(this.value())) ||
      (shape.kind === 'array' && this.value() !== undefined && !Array.isArray(this.value()));
    return isOver || isOther
      ? { kind: 'json', title: shape.title, description: shape.description }
      : shape;
  });
  protected readonly standard = computed(() => this.reader().standard(this.node()));
  protected readonly isGroup = computed(() =>
    ['object', 'array', 'choice'].includes(this.shape().kind),
  );
  protected readonly label = computed(() => this.shape().title ?? this.name());
  protected readonly isFixed = computed(
    () => this.isPresent() || this.isItem() || this.name() === '',
  );
  /** Its switch stands before its name. */
  protected readonly isSwitch = computed(
    () =>
      this.shape().kind === 'boolean' &&
      !isOpenQuestion(this.shape(), this.isRequired() || this.isFixed(), this.standard()),
  );
  /** An optional group stays folded until someone wants it; a schema that holds itself would never end otherwise. */
  protected readonly isFolded = computed(
    () => this.isGroup() && !this.isRequired() && !this.isFixed() && this.value() === undefined,
  );
  protected readonly mayLeaveOut = computed(
    () =>
      this.isGroup() &&
      this.shape().kind !== 'choice' &&
      !this.isRequired() &&
      !this.isFixed() &&
      !this.isFolded() &&
      !this.disabled(),
  );

  protected readonly here = computed(() => {
    const inside = `${this.path()}/`;
    const isWhole =
      this.isFolded() ||
      !this.isGroup() ||
      (this.shape().kind === 'choice' && this.branch() === -1);
    return this.faults().filter(
      ({ path }) => path === this.path() || (isWhole && path.startsWith(inside)),
    );
  });
  protected readonly describedBy = computed(() =>
    [
      this.shape().description && `${this.id()}-help`,
      this.here().length > 0 && `${this.id()}-faults`,
    ]
      .filter(Boolean)
      .join(' '),
  );
  protected readonly within = computed(() => {
    const inside = `${this.path()}/`;
    return this.faults().filter(({ path }) => path.startsWith(inside));
  });

  protected readonly fields = computed(() => {
    const shape = this.shape();
    const value = this.asWords();
    return shape.kind === 'object'
      ? shape.fields.map((field) => ({ ...field, ...this.child(value, field.key) }))
      : [];
  });
  /** Keys that the schema does not name: entries where it takes any, and what came with the value. */
  protected readonly entries = computed(() => {
    const shape = this.shape();
    if (shape.kind !== 'object') return [];
    const value = this.asWords();
    const known = new Set(shape.fields.map(({ key }) => key));
    return Object.keys(value)
      .filter((key) => !known.has(key))
      .map((key) => ({ key, node: shape.rest ?? {}, ...this.child(value, key) }));
  });
  protected readonly takesEntries = computed(() => {
    const shape = this.shape();
    return shape.kind === 'object' && shape.rest !== null;
  });
  protected readonly items = computed(() => {
    const value = this.value();
    const shape = this.shape();
    if (shape.kind !== 'array' || !Array.isArray(value)) return [];
    return value.map((item: unknown, index) => ({
      key: String(index),
      node: shape.item,
      value: item,
      path: pointer(this.path(), index),
    }));
  });
  /** A type of JSON Schema in words; a title as it is. */
  protected readonly titleOf = (title: string | null, t: (key: string) => string) =>
    title !== null && types.has(title) ? t(`form.type.${title}`) : title;
  protected readonly branches = computed(() => {
    const shape = this.shape();
    return shape.kind === 'choice' ? shape.branches : [];
  });
  /** What the person picked, for as long as it is this schema; else the branch that the value fits best. */
  private readonly picked = linkedSignal<Node, number | null>({
    source: this.node,
    computation: () => null,
  });
  protected readonly branch = computed(() => {
    const picked = this.picked();
    const value = this.value();
    if (value === undefined && picked === null) return -1;
    if (picked !== null) return picked;
    const tries = this.branches().map((branch, index) => ({
      index,
      faults: this.misfit(branch.node, value),
    }));
    return tries.sort((a, b) => a.faults - b.faults)[0]?.index ?? -1;
  });
  protected readonly branchNode = computed(() => this.branches()[this.branch()]?.node);

  protected setKey(key: string, inner: unknown): void {
    const rest = Object.entries(this.asWords());
    const isNew = !rest.some(([name]) => name === key);
    const entries = rest
      .map(([name, value]) => [name, name === key ? inner : value] as const)
      .concat(isNew ? [[key, inner] as const] : [])
      .filter(([, value]) => value !== undefined);
    this.changed.emit(Object.fromEntries(entries));
  }
  protected addEntry(): void {
    const key = this.newKey().trim();
    const shape = this.shape();
    if (key === '' || Object.hasOwn(this.asWords(), key) || shape.kind !== 'object') return;
    this.newKey.set('');
    this.setKey(key, this.reader().start(shape.rest) ?? empty(this.reader().shape(shape.rest)));
  }

  protected setItem(index: number, inner: unknown): void {
    this.changed.emit(this.asList().map((item, at) => (at === index ? (inner ?? null) : item)));
  }
  protected addItem(): void {
    const shape = this.shape();
    if (shape.kind !== 'array') return;
    const item = this.reader().start(shape.item) ?? empty(this.reader().shape(shape.item));
    this.changed.emit([...this.asList(), item]);
  }
  protected removeItem(index: number): void {
    this.changed.emit(this.asList().filter((_, at) => at !== index));
  }

  protected pick(index: string): void {
    const node = this.branches()[Number(index)]?.node;
    this.picked.set(index === '' ? null : Number(index));
    if (index === '') return this.changed.emit(undefined);
    const isFit = this.value() !== undefined && this.misfit(node, this.value()) === 0;
    if (isFit) return;
    const isNull = this.reader().shape(node).kind === 'null';
    this.changed.emit(isNull ? null : this.reader().start(node));
  }

  protected unfold(): void {
    const start = this.reader().start(this.node());
    this.changed.emit(start ?? empty(this.shape()));
  }

  private misfit(node: Node, value: unknown): number {
    return schemaFaults(this.reader(), value, node).length;
  }
  private child(value: Value, key: string) {
    return {
      value: Object.hasOwn(value, key) ? value[key] : undefined,
      path: pointer(this.path(), key),
    };
  }
  private asWords(): Value {
    const value = this.value();
    return isWords(value) ? value : {};
  }
  private asList(): readonly unknown[] {
    const value = this.value();
    return Array.isArray(value) ? value : [];
  }
}

/** What a new item or entry holds before anything is typed. */
function empty(shape: Shape): unknown {
  switch (shape.kind) {
    case 'object':
      return {};
    case 'array':
      return [];
    case 'string':
      return '';
    case 'enum':
      return shape.options[0]?.value ?? null;
    default:
      return null;
  }
}
