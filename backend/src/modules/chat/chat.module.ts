import { Module } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { JobsModule } from '../jobs/index.js';
import { RunsModule } from '../runs/index.js';
import { ChatController } from './chat.controller.js';
import { ChatQueries } from './chat.queries.js';
import { SendMessageHandler } from './commands/send-message.js';
import { AnswerWhenTaskEnded } from './reactions/answer-when-task-ended.js';

@Module({
  imports: [CqrsModule, JobsModule, RunsModule],
  controllers: [ChatController],
  providers: [ChatQueries, SendMessageHandler, AnswerWhenTaskEnded],
})
export class ChatModule {}
