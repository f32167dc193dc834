import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  type Conversation,
  ConversationDetail,
  ConversationPage,
  MessageAccepted,
  type Page,
  PageQuery,
  SendMessage as SendMessageBody,
} from '@aos/contracts';
import { Allow, RequestCtx } from '../../platform/http/access.js';
import type { Ctx } from '../../platform/http/context.js';
import { ChatQueries } from './chat.queries.js';
import { SendMessage } from './commands/send-message.js';

@ApiTags('chat')
@Controller('api/chat')
export class ChatController {
  constructor(
    private readonly commands: CommandBus,
    private readonly chat: ChatQueries,
  ) {}

  @Post('send')
  @HttpCode(202)
  @Allow('task.create', { anyProject: true })
  @ApiOperation({ summary: 'Send a message: words, steps, or both', operationId: 'sendMessage' })
  @ApiResponse({ status: 202, standardSchema: MessageAccepted })
  send(
    @RequestCtx() ctx: Ctx,
    @Body({ schema: SendMessageBody }) body: SendMessageBody,
  ): Promise<MessageAccepted> {
    return this.commands.execute(new SendMessage(ctx, body));
  }

  @Get('conversations')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'List conversations, those last written to first',
    operationId: 'listConversations',
  })
  @ApiResponse({ status: 200, standardSchema: ConversationPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: PageQuery }) query: PageQuery,
  ): Promise<Page<Conversation>> {
    return this.chat.list(ctx, query);
  }

  @Get('conversations/:id')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'One conversation, its messages with their traces',
    operationId: 'getConversation',
  })
  @ApiResponse({ status: 200, standardSchema: ConversationDetail })
  get(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<ConversationDetail> {
    return this.chat.detail(ctx, id);
  }
}
