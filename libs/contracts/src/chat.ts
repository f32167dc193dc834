import { z } from 'zod';
import { Step, TaskInput } from './jobs.js';
import { AosEvent } from './events.js';
import { Id, Timestamp, pageOf } from './page.js';

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
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.infer<typeof Conversation>;
export const ConversationPage = pageOf(Conversation).meta({ id: 'ConversationPage' });
export const ConversationDetail = Conversation.extend({ messages: z.array(Message) }).meta({
  id: 'ConversationDetail',
});
export type ConversationDetail = z.infer<typeof ConversationDetail>;
