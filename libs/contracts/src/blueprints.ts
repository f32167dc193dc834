import { z } from 'zod';
import { ConfigChange } from './config.js';
import { Budget, Step, TaskInput } from './jobs.js';
import { FieldFault, Id, Moment, Timestamp, pageOf, shownName } from './page.js';
import { Said } from './said.js';

/** What a run of a blueprint is given under this name: `${inputs.name}` in its steps. */
export const BlueprintInput = z
  .strictObject({
    name: TaskInput.shape.name,
    /** Without one that is not required, the steps that use it are left out of the run. */
    required: z.boolean().default(true),
    /** `text/csv`, or `image/*` for any of its kind. Any file when absent. */
    mediaType: z
      .string()
      .max(100)
      .regex(/^[\w.+-]+\/(\*|[\w.+-]+)$/, 'a media type, such as text/csv or image/*')
      .optional(),
    description: z.string().trim().max(500).optional(),
  })
  .meta({ id: 'BlueprintInput' });
export type BlueprintInput = z.infer<typeof BlueprintInput>;

const fields = {
  name: shownName(100),
  description: z.string().trim().max(4000),
  inputs: z.array(BlueprintInput).max(50),
  /** Names of the secrets that a run is given, as in a TaskSpec. */
  env: z.array(z.string().max(128)).max(100),
  steps: z.array(Step).min(1).max(500),
};
const comment = z.string().trim().max(1000);

/** What a version of a blueprint holds. */
export const BlueprintContent = z
  .object({ ...fields, name: z.string().min(1).max(100) })
  .meta({ id: 'BlueprintContent' });
export type BlueprintContent = z.infer<typeof BlueprintContent>;

export const CreateBlueprint = z
  .strictObject({
    ...fields,
    description: fields.description.default(''),
    inputs: fields.inputs.default([]),
    env: fields.env.default([]),
    comment: comment.default(''),
  })
  .meta({ id: 'CreateBlueprint' });
export type CreateBlueprint = z.infer<typeof CreateBlueprint>;

/** What is left out stays; a list replaces the list that was there. */
export const PatchBlueprint = z
  .strictObject(fields)
  .partial()
  .extend({ comment: comment.default('') })
  .refine(({ comment: _, ...change }) => Object.keys(change).length > 0, 'says nothing to change')
  .meta({ id: 'PatchBlueprint' });
export type PatchBlueprint = z.infer<typeof PatchBlueprint>;

export const Blueprint = BlueprintContent.extend({
  id: z.string(),
  projectId: z.string(),
  version: z.number().int(),
  createdBy: z.string(),
  createdAt: Timestamp,
  updatedBy: z.string(),
  updatedAt: Timestamp,
  /** What a run would be refused for as things stand: a tool, a variable or a secret that is not there. */
  faults: z.array(FieldFault),
}).meta({ id: 'Blueprint' });
export type Blueprint = z.infer<typeof Blueprint>;

export const BlueprintSummary = Blueprint.omit({ steps: true, env: true, faults: true })
  .extend({ steps: z.number().int() })
  .meta({ id: 'BlueprintSummary' });
export type BlueprintSummary = z.infer<typeof BlueprintSummary>;
export const BlueprintPage = pageOf(BlueprintSummary).meta({ id: 'BlueprintPage' });

export const BlueprintVersionSummary = z
  .object({
    version: z.number().int(),
    name: z.string(),
    steps: z.number().int(),
    comment: z.string(),
    /** The comment by its code, where it is AOS that wrote it. */
    said: Said.optional(),
    createdBy: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: 'BlueprintVersionSummary' });
export type BlueprintVersionSummary = z.infer<typeof BlueprintVersionSummary>;
export const BlueprintVersionPage = pageOf(BlueprintVersionSummary).meta({
  id: 'BlueprintVersionPage',
});
export const BlueprintVersion = BlueprintVersionSummary.omit({ steps: true })
  .extend({ content: BlueprintContent })
  .meta({ id: 'BlueprintVersion' });
export type BlueprintVersion = z.infer<typeof BlueprintVersion>;

/** To the present version unless another one is named. */
export const BlueprintDifferenceQuery = z.strictObject({
  to: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'the number of a version')
    .optional(),
});
export type BlueprintDifferenceQuery = z.infer<typeof BlueprintDifferenceQuery>;
/** Steps and inputs are compared by their ids and names: `steps.clean.args.rules`. */
export const BlueprintDifference = z
  .object({ from: z.number().int(), to: z.number().int(), changes: z.array(ConfigChange) })
  .meta({ id: 'BlueprintDifference' });
export type BlueprintDifference = z.infer<typeof BlueprintDifference>;

export const RestoreBlueprint = z
  .strictObject({ version: z.number().int().min(1).max(999_999_999), comment: comment.default('') })
  .meta({ id: 'RestoreBlueprint' });
export type RestoreBlueprint = z.infer<typeof RestoreBlueprint>;

/** As a TaskSpec, whose steps and secrets come from the blueprint. */
export const RunBlueprint = z
  .strictObject({
    inputs: z.array(TaskInput).max(50).default([]),
    /** The present one unless given. */
    version: z.number().int().min(1).max(999_999_999).optional(),
    /** The name of the blueprint unless given. */
    goal: z.string().trim().min(1).max(20_000).optional(),
    agentId: Id.optional(),
    priority: z.number().int().min(0).max(9).optional(),
    scheduledAt: Moment.optional(),
    budget: Budget.optional(),
  })
  .meta({ id: 'RunBlueprint' });
export type RunBlueprint = z.infer<typeof RunBlueprint>;
