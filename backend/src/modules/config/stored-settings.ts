import { isDeepStrictEqual } from 'node:util';
import { SystemConfig } from '@aos/contracts';
import type { z } from 'zod';

export const defaultSettings = (): SystemConfig => SystemConfig.parse({});

/**
 * Settings as this version understands them. A newer one that ran, or runs beside it, may have written keys that this one
 * does not know: those are passed over, and all else holds. A section that cannot be read even so is the defaults.
 */
export function readStored(raw: unknown): {
  config: SystemConfig;
  fits: 'whole' | 'in part' | 'not';
} {
  const whole = SystemConfig.safeParse(raw);
  if (whole.success) return { config: whole.data, fits: 'whole' };
  const known = structuredClone(raw);
  for (const issue of whole.error.issues)
    if (issue.code === 'unrecognized_keys') {
      const at = issue.path.reduce<unknown>((part, key) => (part as Part)[key], known) as Part;
      for (const key of issue.keys) delete at[key];
    }
  const rest = SystemConfig.safeParse(known);
  if (rest.success) return { config: rest.data, fits: 'in part' };
  const config = defaultSettings();
  const { security, ...sections } = SystemConfig.shape;
  takeWhatFits(config, sections, known);
  const given = (known as { security?: unknown } | null)?.security;
  takeWhatFits(config.security, security.unwrap().shape, given);
  // An empty list lets everybody in. One that is there and cannot be read lets in nobody.
  const listed = (given as { allowedAddresses?: unknown } | undefined)?.allowedAddresses;
  const isListed = listed !== undefined && !(Array.isArray(listed) && listed.length === 0);
  if (isListed && config.security.allowedAddresses.length === 0)
    config.security.allowedAddresses = [{ address: 'unreadable', note: '' }];
  return { config, fits: 'not' };
}
type Part = Record<PropertyKey, unknown>;

/** A section that a newer version wrote in its own way takes no other with it: of security, no key another. */
function takeWhatFits(into: Part, shapes: Record<string, z.ZodType>, given: unknown): void {
  for (const [key, shape] of Object.entries(shapes)) {
    const read = shape.safeParse((given as Part | null | undefined)?.[key]);
    if (read.success) into[key] = read.data;
  }
}

/** A key that an older version does not know makes it go by its defaults: so one that says nothing is left out. */
export function toStored(config: SystemConfig): unknown {
  const { allowedAddresses, secondPerson, ...security } = config.security;
  const { secrets, servers, ...rule } = secondPerson;
  const { embeddings, telemetry, database, ...rest } = config;
  const none = defaultSettings();
  return {
    ...rest,
    ...(!isDeepStrictEqual(embeddings, none.embeddings) && { embeddings }),
    ...(!isDeepStrictEqual(telemetry, none.telemetry) && { telemetry }),
    ...(!isDeepStrictEqual(database, none.database) && { database }),
    security: {
      ...security,
      // Also for the trigger that holds the rule: to add what says nothing is no change of it.
      secondPerson: { ...rule, ...(secrets && { secrets }), ...(servers && { servers }) },
      ...(allowedAddresses.length > 0 && { allowedAddresses }),
    },
  };
}
