import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Req,
  Res,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  type AosEvent,
  Conversation,
  ConversationDetail,
  ConversationPage,
  ConversationsQuery,
  EventPage,
  MessageAccepted,
  type Page,
  PastEventsQuery,
  PatchConversation,
  SendMessage as SendMessageBody,
} from '@aos/contracts';
import type { Response } from 'express';
import { Allow, type AosRequest, RequestCtx } from '../../platform/http/access.js';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import type { Ctx } from '../../platform/http/context.js';
import { requiredVersion, setVersion } from '../../platform/http/etag.js';
import { ChatQueries } from './chat.queries.js';
import { DeleteConversation } from './commands/delete-conversation.js';
import { RenameConversation } from './commands/rename-conversation.js';
import { SendMessage } from './commands/send-message.js';
import { PastEvents } from './past-events.js';

@ApiTags('chat')
@Controller('api/chat')
export class ChatController {
  constructor(
    private readonly commands: CommandBus,
    private readonly chat: ChatQueries,
    private readonly pastEvents: PastEvents,
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
    summary:
      'List conversations, those last written to first; with q=, a page may be empty and say where the next one goes on',
    operationId: 'listConversations',
  })
  @ApiResponse({ status: 200, standardSchema: ConversationPage })
  list(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: ConversationsQuery }) query: ConversationsQuery,
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
  async get(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ConversationDetail> {
    const conversation = await this.chat.detail(ctx, id);
    setVersion(response, conversation.version);
    return conversation;
  }

  @Patch('conversations/:id')
  @Allow('task.create', { anyProject: true })
  @ApiHeader({
    name: 'If-Match',
    required: true,
    description: 'The ETag of the version that was edited',
  })
  @ApiOperation({ summary: 'Rename a conversation', operationId: 'renameConversation' })
  @ApiResponse({ status: 200, standardSchema: Conversation })
  async rename(
    @RequestCtx() ctx: Ctx,
    @Param('id') id: string,
    @Body({ schema: PatchConversation }) body: PatchConversation,
    @Req() request: AosRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Conversation> {
    const conversation = await this.commands.execute(
      new RenameConversation(ctx, id, requiredVersion(request), body),
    );
    setVersion(response, conversation.version);
    return conversation;
  }

  @Delete('conversations/:id')
  @HttpCode(204)
  @Allow('task.create', { anyProject: true })
  @ApiOperation({
    summary: 'Delete a conversation; the runs that came of it stay',
    operationId: 'deleteConversation',
  })
  @ApiResponse({ status: 204, description: 'It is gone.' })
  async delete(@RequestCtx() ctx: Ctx, @Param('id') id: string): Promise<void> {
    await this.commands.execute(new DeleteConversation(ctx, id));
  }

  @Get('events')
  @Allow('task.read', { anyProject: true })
  @ApiOperation({
    summary: 'Value events of the past, the latest first',
    operationId: 'listPastEvents',
  })
  @ApiResponse({ status: 200, standardSchema: EventPage })
  past(
    @RequestCtx() ctx: Ctx,
    @Query({ schema: PastEventsQuery }) query: PastEventsQuery,
  ): Promise<Page<AosEvent>> {
    return this.pastEvents.list(ctx, query);
  }
}
