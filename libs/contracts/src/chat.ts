import { z } from 'zod';
import { Said } from './said.js';
import { Step, TaskInput } from './jobs.js';
import { AosEvent, ValueEventType } from './events.js';
import { Id, PageQuery, Timestamp, pageOf, wholeNumber } from './page.js';

/** A message to Chat Hub: words, a plan in the Action DSL, or both. */
export const SendMessage = z
  .strictObject({
    conversationId: z.uuid().optional(),
    text: z.string().trim().min(1).max(20_000).optional(),
    steps: z.array(Step).min(1).max(500).optional(),
    inputs: z.array(TaskInput).max(100).optional(),
    agentId: Id.optional(),
    projectId: Id.optional(),
  })
  .refine((m) => m.text !== undefined || m.steps !== undefined, {
    message: 'give text, steps, or both',
    path: ['text'],
  })
  .meta({ id: 'SendMessage' });
export type SendMessage = z.infer<typeof SendMessage>;

export const MessageAccepted = z
  .object({
    conversationId: z.string(),
    messageId: z.string(),
    jobId: z.string(),
    traceId: z.string(),
    events: z.array(AosEvent.partial({ seq: true })),
  })
  .meta({ id: 'MessageAccepted' });
export type MessageAccepted = z.infer<typeof MessageAccepted>;

export const Message = z
  .object({
    id: z.string(),
    role: z.enum(['user', 'assistant']),
    author: z.string(),
    text: z.string(),
    /** The text by its codes, of an answer that AOS itself gives. */
    said: z.array(Said).optional(),
    jobId: z.string().nullable(),
    traceId: z.string().nullable(),
    createdAt: Timestamp,
  })
  .meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

export const Conversation = z
  .object({
    id: z.string(),
    title: z.string(),
    projectId: z.string().nullable(),
    createdBy: z.string(),
    createdAt: Timestamp,
    updatedAt: Timestamp,
    /** Of its title. Messages do not change it: nobody edits those. */
    version: z.number().int(),
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.infer<typeof Conversation>;
export const ConversationPage = pageOf(Conversation).meta({ id: 'ConversationPage' });
export const ConversationDetail = Conversation.extend({ messages: z.array(Message) }).meta({
  id: 'ConversationDetail',
});
export type ConversationDetail = z.infer<typeof ConversationDetail>;

/** `q` is looked for in the title and in what was written. */
export const ConversationsQuery = PageQuery.extend({
  q: z.string().trim().min(1).max(200).optional(),
});
export type ConversationsQuery = z.infer<typeof ConversationsQuery>;

export const PatchConversation = z
  .strictObject({ title: z.string().trim().min(1).max(200) })
  .meta({ id: 'PatchConversation' });
export type PatchConversation = z.infer<typeof PatchConversation>;

/** The value stream's past. `types` is a list with commas, or is given several times. */
export const PastEventsQuery = PageQuery.extend({
  /** Only what was told before this seq. */
  before: wholeNumber(1, Number.MAX_SAFE_INTEGER).optional(),
  traceId: z.string().min(1).max(64).optional(),
  types: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => [value].flat().flatMap((part) => part.split(',')))
    .pipe(z.array(ValueEventType).max(20))
    .optional(),
});
export type PastEventsQuery = z.infer<typeof PastEventsQuery>;
