import type { Params } from '@angular/router';

/** One of some values, or several of them (`isMany`). In the address: `key=a,b`. */
export interface ChoiceFilter {
  kind: 'choice';
  key: string;
  label: string;
  options: readonly { value: string; label: string }[];
  isMany?: boolean;
}

/** Words or a number of one's own. In the address: `key=text`. */
export interface TextFilter {
  kind: 'text';
  key: string;
  label: string;
  placeholder?: string;
  isNumber?: boolean;
}

/** On or off. In the address: `key=true`, or nothing. */
export interface FlagFilter {
  kind: 'flag';
  key: string;
  label: string;
}

/** A label is text, already in the language of the page. */
export type Filter = ChoiceFilter | TextFilter | FlagFilter;

/** What the address says about one filter. An address is typed by hand too: what is not an option does not count. */
export function valuesOf(filter: Filter, params: Params): string[] {
  const raw: unknown = params[filter.key];
  if (typeof raw !== 'string' || raw === '') return [];
  if (filter.kind === 'text') return [raw];
  if (filter.kind === 'flag') return raw === 'true' ? ['true'] : [];
  const known = new Set(filter.options.map(({ value }) => value));
  const chosen = raw.split(',').filter((value) => known.size === 0 || known.has(value));
  return filter.isMany ? chosen : chosen.slice(0, 1);
}

/** What stands on the chip behind its label. */
export function wordsOf(filter: Filter, values: readonly string[]): string {
  if (filter.kind === 'flag' || values.length === 0) return '';
  if (filter.kind === 'text') return values[0]!;
  const names = values.map(
    (value) => filter.options.find((option) => option.value === value)?.label ?? value,
  );
  return names.length > 2 ? `${names[0]} +${names.length - 1}` : names.join(', ');
}
