import { Injectable } from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { ACCESS, type AccessRule, type AosRequest } from '../../../platform/http/access.js';
import { ShortWay } from '../../../platform/http/short-way.js';
import { AggregateController } from './aggregate.controller.js';
import { McpErrors } from './mcp-errors.filter.js';

/** `POST /mcp`, nearly all of what is asked of a gateway. One with an Idempotency-Key has to meet its interceptor. */
@Injectable()
export class CallsInFront extends ShortWay {
  readonly route = '/mcp';
  readonly rule: AccessRule | undefined;
  private controller: AggregateController | undefined;

  constructor(
    reflector: Reflector,
    private readonly modules: ModuleRef,
    private readonly errors: McpErrors,
  ) {
    super();
    this.rule = reflector.get<AccessRule | undefined>(ACCESS, AggregateController.prototype.post);
  }

  takes({ method, path, headers }: AosRequest): boolean {
    return method === 'POST' && path === '/mcp' && headers['idempotency-key'] === undefined;
  }

  serve(request: AosRequest, response: Response): Promise<void> {
    return (this.controller ??= this.modules.get<AggregateController>(AggregateController)).post(
      request,
      response,
    );
  }

  refuse(thrown: unknown, request: AosRequest, response: Response): Promise<void> {
    return this.errors.tell(thrown, request, response);
  }
}
