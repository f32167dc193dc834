import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { JobsModule } from '../jobs/index.js';
import { RunsModule } from '../runs/index.js';
import { ChatController } from './chat.controller.js';
import { ChatQueries } from './chat.queries.js';
import { DeleteConversationHandler } from './commands/delete-conversation.js';
import { RenameConversationHandler } from './commands/rename-conversation.js';
import { SendMessageHandler } from './commands/send-message.js';
import { PastEvents } from './past-events.js';
import { AnswerWhenTaskEnded } from './reactions/answer-when-task-ended.js';

@Module({
  imports: [CqrsModule, JobsModule, RunsModule],
  controllers: [ChatController],
  providers: [
    ChatQueries,
    PastEvents,
    SendMessageHandler,
    RenameConversationHandler,
    DeleteConversationHandler,
    AnswerWhenTaskEnded,
  ],
})
export class ChatModule {}
