import { z } from 'zod';
import { PageQuery, Timestamp, pageOf, shownName } from './page.js';

/** The list that a saved view belongs to. */
export const viewRooms = ['tasks', 'logs', 'traces', 'audit'] as const;
export const ViewRoom = z.enum(viewRooms).meta({ id: 'ViewRoom' });
export type ViewRoom = z.infer<typeof ViewRoom>;

/** The filters of a list under a name. It belongs to the person who saved it and to nobody else. */
export const SavedView = z
  .object({
    id: z.string(),
    room: ViewRoom,
    name: z.string(),
    query: z.record(z.string(), z.string()),
    createdAt: Timestamp,
  })
  .meta({ id: 'SavedView' });
export type SavedView = z.infer<typeof SavedView>;
export const SavedViewPage = pageOf(SavedView).meta({ id: 'SavedViewPage' });

export const ViewsQuery = PageQuery.extend({ room: ViewRoom.optional() });
export type ViewsQuery = z.infer<typeof ViewsQuery>;

/** Saving under a name that is there already replaces what it stood for. */
export const SaveView = z
  .strictObject({
    room: ViewRoom,
    name: shownName(80),
    query: z
      .record(z.string().min(1).max(40), z.string().max(400))
      .refine((query) => Object.keys(query).length <= 20, 'has more than 20 filters'),
  })
  .meta({ id: 'SaveView' });
export type SaveView = z.infer<typeof SaveView>;
