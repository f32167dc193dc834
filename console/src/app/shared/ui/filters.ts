import type { Params } from '@angular/router';

interface AnyFilter {
  key: string;
  /** Already in the language of the page. */
  label: string;
  /** Parameters that this filter takes the place of: they go when it is set. */
  unsets?: readonly string[];
}

/** One of some values, or several of them (`isMany`). In the address: `key=a,b`. */
export interface ChoiceFilter extends AnyFilter {
  kind: 'choice';
  options: readonly { value: string; label: string }[];
  isMany?: boolean;
}

/** Words or a number of one's own. In the address: `key=text`. */
export interface TextFilter extends AnyFilter {
  kind: 'text';
  placeholder?: string;
  isNumber?: boolean;
}

/** On or off. In the address: `key=true`, or nothing. */
export interface FlagFilter extends AnyFilter {
  kind: 'flag';
}

/** From one moment to another, either of which may be open. In the address: `key=` and `toKey=`, in ISO 8601. */
export interface SpanFilter extends AnyFilter {
  kind: 'span';
  toKey: string;
}

export type Filter = ChoiceFilter | TextFilter | FlagFilter | SpanFilter;

export const keysOf = (filter: Filter): string[] =>
  filter.kind === 'span' ? [filter.key, filter.toKey] : [filter.key];

/** What the address says about one filter. An address is typed by hand too: what is not an option does not count. */
export function valuesOf(filter: Filter, params: Params): string[] {
  if (filter.kind === 'span') {
    const moments = keysOf(filter).map((key) => momentIn(params[key]));
    return moments.some(Boolean) ? moments : [];
  }
  const raw: unknown = params[filter.key];
  if (typeof raw !== 'string' || raw === '') return [];
  if (filter.kind === 'text') return [raw];
  if (filter.kind === 'flag') return raw === 'true' ? ['true'] : [];
  const known = new Set(filter.options.map(({ value }) => value));
  const chosen = raw.split(',').filter((value) => known.size === 0 || known.has(value));
  return filter.isMany ? chosen : chosen.slice(0, 1);
}

/** An address is typed by hand too: what is no moment is none. */
export function momentIn(text: unknown): string {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? '' : new Date(at).toISOString();
}

/** What the address is to say, for values as `valuesOf` gives them. */
export const paramsOf = (filter: Filter, values: readonly string[]): Params => ({
  ...(values.length > 0 && Object.fromEntries((filter.unsets ?? []).map((key) => [key, null]))),
  ...(filter.kind === 'span'
    ? { [filter.key]: values[0] || null, [filter.toKey]: values[1] || null }
    : { [filter.key]: values.length > 0 ? values.join(',') : null }),
});

/** What stands on the chip behind its label, where the values say it by themselves. */
export function wordsOf(filter: Filter, values: readonly string[]): string {
  if (filter.kind === 'flag' || filter.kind === 'span' || values.length === 0) return '';
  if (filter.kind === 'text') return values[0]!;
  const names = values.map(
    (value) => filter.options.find((option) => option.value === value)?.label ?? value,
  );
  return names.length > 2 ? `${names[0]} +${names.length - 1}` : names.join(', ');
}
