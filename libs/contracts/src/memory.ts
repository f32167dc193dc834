import { z } from 'zod';
import { Id, PageQuery, Timestamp, pageOf } from './page.js';

/** A fact is what is so; a preference how things should be done; a lesson what a run has taught. */
export const MemoryKind = z.enum(['fact', 'preference', 'lesson']).meta({ id: 'MemoryKind' });
export type MemoryKind = z.infer<typeof MemoryKind>;

const subject = z.string().trim().min(1).max(200);
const text = z.string().trim().min(1).max(4000);

export const MemoryItem = z
  .object({
    id: z.string(),
    kind: MemoryKind,
    /** What it is about, in a word or two. */
    subject: z.string(),
    text: z.string(),
    /** Null holds for every project. */
    projectId: z.string().nullable(),
    version: z.number().int(),
    createdBy: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'MemoryItem' });
export type MemoryItem = z.infer<typeof MemoryItem>;
export const MemoryItemPage = pageOf(MemoryItem).meta({ id: 'MemoryItemPage' });

export const CreateMemoryItem = z
  .strictObject({
    kind: MemoryKind.default('fact'),
    subject,
    text,
    projectId: Id.nullable().default(null),
  })
  .meta({ id: 'CreateMemoryItem' });
export type CreateMemoryItem = z.infer<typeof CreateMemoryItem>;

/** Where it holds cannot be changed: those who saw it there would lose it without a word. */
export const PatchMemoryItem = z
  .strictObject({ kind: MemoryKind.optional(), subject: subject.optional(), text: text.optional() })
  .meta({ id: 'PatchMemoryItem' });
export type PatchMemoryItem = z.infer<typeof PatchMemoryItem>;

const filters = {
  kind: MemoryKind.optional(),
  subject: z.string().trim().min(1).max(200).optional(),
  projectId: Id.optional(),
  /** Only what holds for every project, or only what belongs to one. */
  scope: z.enum(['everywhere', 'project']).optional(),
};
export const MemoryItemQuery = PageQuery.extend({
  ...filters,
  text: z.string().trim().min(1).max(200).optional(),
});
export type MemoryItemQuery = z.infer<typeof MemoryItemQuery>;

export const MemorySearchQuery = PageQuery.extend({
  ...filters,
  q: z.string().trim().min(1).max(200),
  /** By meaning where that can be done, unless the words are asked for. */
  by: z.enum(['text', 'meaning']).default('meaning'),
});
export type MemorySearchQuery = z.infer<typeof MemorySearchQuery>;

/**
 * `by` is how it was searched. For the words as they stand: newest first, page by page, with why not by meaning. By meaning:
 * what holds the words and then what is nearest, in one page.
 */
export const MemorySearchAnswer = MemoryItemPage.extend({
  by: z.enum(['text', 'meaning']),
  terms: z.array(z.string()),
  /** Null where it was by meaning. `away`: the model for it did not answer; `limited`: it was asked too often. */
  whyText: z.enum(['asked', 'no-model', 'no-pgvector', 'away', 'limited']).nullable(),
}).meta({ id: 'MemorySearchAnswer' });
export type MemorySearchAnswer = z.infer<typeof MemorySearchAnswer>;

/** What a person wants AOS to know about them, and how they want to be worked for. */
export const Profile = z
  .strictObject({
    about: z.string().trim().max(2000).default(''),
    instructions: z.string().trim().max(4000).default(''),
    language: z.enum(['en', 'zh']).nullable().default(null),
    timeZone: z
      .string()
      .max(64)
      .regex(/^[A-Za-z][A-Za-z0-9_+/-]*$/)
      .nullable()
      .default(null),
    detail: z.enum(['short', 'balanced', 'detailed']).default('balanced'),
  })
  .meta({ id: 'Profile' });
export type Profile = z.infer<typeof Profile>;
export const ProfileAnswer = z
  .object({ profile: Profile, version: z.number().int(), updatedAt: Timestamp.nullable() })
  .meta({ id: 'ProfileAnswer' });
export type ProfileAnswer = z.infer<typeof ProfileAnswer>;

/** As `${vars.name}` names it. */
export const VarName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/);
const secretRef = z.string().min(1).max(128);
const usage = z.string().trim().max(500);
const value = z.unknown().refine((json) => (JSON.stringify(json) ?? '').length <= 8000, {
  message: 'may have 8000 characters as JSON',
});

export const ProjectVar = z
  .object({
    name: z.string(),
    /** Null when it stands for a secret. */
    value: z.unknown(),
    /** The name of the secret that it stands for; never its value. */
    secretRef: z.string().nullable(),
    /** When that secret was last rotated; null when there is no such secret now. */
    lastRotatedAt: Timestamp.nullable(),
    usage: z.string(),
    version: z.number().int(),
    updatedAt: Timestamp,
  })
  .meta({ id: 'ProjectVar' });
export type ProjectVar = z.infer<typeof ProjectVar>;
export const ProjectVarPage = pageOf(ProjectVar).meta({ id: 'ProjectVarPage' });

/** Either a value or the name of a secret. */
export const CreateProjectVar = z
  .strictObject({
    name: VarName,
    value: value.optional(),
    secretRef: secretRef.optional(),
    usage: usage.default(''),
  })
  .meta({ id: 'CreateProjectVar' });
export type CreateProjectVar = z.infer<typeof CreateProjectVar>;

export const PatchProjectVar = z
  .strictObject({
    value: value.optional(),
    secretRef: secretRef.optional(),
    usage: usage.optional(),
  })
  .meta({ id: 'PatchProjectVar' });
export type PatchProjectVar = z.infer<typeof PatchProjectVar>;
