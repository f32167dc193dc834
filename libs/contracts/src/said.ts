import { z } from 'zod';

/** A sentence by its code, with what fills it; `code` is one of `sentences`, or one that only another version knows. */
export const Said = z
  .object({ code: z.string(), params: z.record(z.string(), z.unknown()).optional() })
  .meta({ id: 'Said' });
export type Said = z.infer<typeof Said>;
