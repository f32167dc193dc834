import { z } from 'zod';
import { Said } from './said.js';

const digits = (value: unknown) =>
  typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value;

/**
 * A whole number of a query, in decimal digits. What else `Number` would read ("0x10", "1e2", " 7", "") is not what
 * anybody meant.
 */
export const wholeNumber = (least: number, most: number) =>
  z.preprocess(digits, z.number().int().min(least).max(most));

/**
 * A moment as clients write it, ISO 8601 with its offset; it becomes the same in UTC. Of the offsets that ISO takes
 * the database knows but some, and of the years only those that have four digits are written alike everywhere.
 */
export const Moment = z.iso
  .datetime({ offset: true })
  .refine((text) => {
    const year = new Date(text).getUTCFullYear();
    return Number.isNaN(year) || (year >= 1 && year <= 9999);
  }, 'lies outside the years 1 to 9999')
  .overwrite((text) => {
    const at = new Date(text);
    return Number.isNaN(at.getTime()) ? text : at.toISOString();
  })
  .meta({ format: 'date-time' });

/**
 * Controls, ends of lines, marks that turn the direction of what is behind them, signs of no width, fillers and tags. Joiners stay:
 * Persian, Indic scripts and emoji are written with them.
 */
const steering =
  /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\u{e0000}-\u{e007f}]/u;
const visible = /[^\p{Z}\p{Default_Ignorable_Code_Point}]/u;

/**
 * What people and things are told apart by, in lists, approvals and the audit record: it shows as what it is. The same
 * letters are one name in whatever code points they come.
 */
export const shownName = (most: number) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .min(1)
    .max(most)
    .refine(
      (name) => !steering.test(name) && visible.test(name),
      'holds characters that cannot be seen, or that change how others are shown',
    );

/** `?limit=&cursor=` of every list. Lists page by key: a cursor says where the last page ended. */
export const PageQuery = z.strictObject({
  limit: z.preprocess(digits, z.number().int().min(1).max(200).default(50)),
  cursor: z.string().max(500).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** What is wrong at one field, and the same by its code where it has one. */
export const FieldFault = z
  .object({ path: z.string(), message: z.string(), said: Said.optional() })
  .meta({ id: 'FieldFault' });
export type FieldFault = z.infer<typeof FieldFault>;

/** RFC 9457, with the additions of AOS: a stable `code`, the trace, and the fields that were wrong. */
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    /** The detail by its code, where it has one. */
    said: Said.optional(),
    code: z.string(),
    traceId: z.string(),
    errors: z.array(FieldFault).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

/** ISO 8601 with milliseconds, UTC. */
export const Timestamp = z.string().meta({ format: 'date-time' });
export const Id = z.string().min(1).max(64);
