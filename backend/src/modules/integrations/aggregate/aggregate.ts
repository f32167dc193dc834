import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { say } from '@aos/contracts';
import {
  type CallToolResult,
  type CompleteResult,
  type InputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server';
import { type Ctx, type Principal, isAllowed } from '../../../platform/http/context.js';
import { activeTraceparent, inSpan } from '../../../platform/telemetry/span.js';
import { isDeeperThan } from '../../../platform/http/json-depth.js';
import { Vault } from '../../config/index.js';
import { LimitsInForce } from '../chain/limits-in-force.js';
import { type Redaction, RedactionRules } from '../chain/redaction-rules.js';
import { escapeSecretReferences } from '../chain/secret-references.js';
import { reaches, requireReach } from '../chain/capability.js';
import { MAX_DEPTH } from '../chain/result-check.js';
import { Gateway } from '../gateway.js';
import type { ClientSide } from '../upstreams/client-side.js';
import { type OtherRequest, UpstreamFault } from '../upstreams/upstream.js';
import { Upstreams } from '../upstreams/upstreams.js';
import { callWithApproval } from './approved-call.js';
import { Catalogue, type OfferedTool, marked } from './catalogue.js';
import { type Exchange, callerOf } from './exchange.js';
import { answerOf, toProtocolError } from './failures.js';
import { pageOf } from './page.js';
import { type ParkedCall, ParkedCalls } from './parked-calls.js';
import { type RequestState, RequestStates, type Subject } from './request-states.js';
import { ToolSearch } from './tool-search.js';

/**
 * All tool servers as one: what `POST /mcp` answers, in either revision of the protocol.
 *
 *     client, 2026-07-28 --+                                      +-- server, 2026-07-28 (http, stdio)
 *                          +-- HTTP -- Aggregate -- gateway door --+
 *     client, older -------+      (AggregateController)           +-- server, older (http, sse, stdio)
 *
 * HTTP (aggregate.controller.ts) knows who asks and in which revision, and nothing of servers: a request of
 * the current revision stands alone, one of an older belongs to a session (older-sessions.ts). Either becomes
 * an Exchange. Here the name is looked up in the Catalogue, and the call goes through the one door like any
 * other: permission, schema, ledger, span, event, redaction. What a server sends while it works (progress,
 * log messages) goes to the client of that call.
 *
 * Input in the middle of a call. Servers ask people and models for input, in one of two ways, and clients
 * can be asked in one of two. The four pairings:
 *
 *   client current, server current   the server's `input_required` is passed on, with its state sealed into
 *                                    ours (RequestStates); nothing is kept here between the rounds
 *   client current, server older     the server's request waits at the server; the call is parked here and the
 *                                    client gets `input_required` (ParkedCalls)
 *   client older, server current     the server's questions become requests on the client's stream, and the
 *                                    call is made again with the answers (WarmClient)
 *   both older                       the server's request is passed on on the client's stream (Flights)
 *
 * What a client cannot do, no server is told that it can; what it did not say, nobody assumes.
 *
 * Guarantees. A list holds what its reader may call, is marked as private to that reader, and never waits for
 * a server that is away. A state or a parked call is of use to nobody but the one it was made for. A failure is
 * an answer in the protocol's own terms: of a tool, one that a model can read (`isError`); of the request, a
 * JSON-RPC error. Internals are in the log, with the trace that the answer names.
 *
 * Limits. Parked calls live in the process that made them: behind a balancer, clients of the current revision
 * need to come back to the same process when an older server asks. Sessions of older clients likewise.
 */
@Injectable()
export class Aggregate {
  constructor(
    private readonly gateway: Gateway,
    private readonly upstreams: Upstreams,
    readonly catalogue: Catalogue,
    private readonly states: RequestStates,
    private readonly parked: ParkedCalls,
    private readonly vault: Vault,
    private readonly search: ToolSearch,
    private readonly redaction: RedactionRules,
    private readonly inForce: LimitsInForce,
  ) {}

  async listTools({ ctx }: Exchange, params: { cursor?: string | undefined }, wish: string | null) {
    if (!isAllowed(ctx.actor, 'tool.call')) return { tools: [] };
    const offered = await this.toolsFor(ctx);
    if (await this.search.isNarrowed(offered.size, wish)) return { tools: this.search.tools };
    const { items, ...cursor } = pageOf([...offered], ([name]) => name, params.cursor);
    return { tools: items.map(([name, tool]) => shown(name, tool)), ...cursor };
  }

  /** What a grant or a token's scopes do not reach, or a policy closes, is not there for whoever asks. */
  private async toolsFor(ctx: Ctx) {
    const { capability } = ctx.actor;
    const [offered, isClosed] = await Promise.all([
      this.catalogue.tools(),
      this.gateway.closedTo(ctx),
    ]);
    return new Map(
      [...offered].filter(
        ([, { server, name }]) =>
          reaches(capability, `${server}.${name}`) && !isClosed(server, name),
      ),
    );
  }

  /** Before the protocol is entered: a client that lacks a scope is told by the head of the answer. */
  async requireReach({ capability }: Principal, names: readonly string[]): Promise<void> {
    if (!capability) return;
    for (const name of names) {
      const tool = await this.catalogue.tool(name);
      if (tool) requireReach(capability, tool.server, tool.name);
    }
  }

  async listPrompts({ ctx }: Exchange, params: { cursor?: string | undefined }) {
    if (!seesAll(ctx.actor)) return { prompts: [] };
    const offered = [...(await this.catalogue.prompts())];
    const { items, ...cursor } = pageOf(offered, ([name]) => name, params.cursor);
    return { prompts: items.map(([name, { definition }]) => ({ ...definition, name })), ...cursor };
  }

  async listResources({ ctx }: Exchange, params: { cursor?: string | undefined }) {
    if (!seesAll(ctx.actor)) return { resources: [] };
    const offered = [...(await this.catalogue.resources()).values()];
    const { items, ...cursor } = pageOf(offered, ({ uri }) => uri, params.cursor);
    return { resources: items.map(({ uri, definition }) => ({ ...definition, uri })), ...cursor };
  }

  async listTemplates({ ctx }: Exchange, params: { cursor?: string | undefined }) {
    if (!seesAll(ctx.actor)) return { resourceTemplates: [] };
    const offered = [...(await this.catalogue.templates()).values()];
    const { items, ...cursor } = pageOf(offered, ({ uri }) => uri, params.cursor);
    return {
      resourceTemplates: items.map(({ uri, definition }) => ({ ...definition, uriTemplate: uri })),
      ...cursor,
    };
  }

  async callTool(
    exchange: Exchange,
    params: { name: string; arguments?: Record<string, unknown> | undefined },
  ): Promise<CallToolResult | InputRequiredResult> {
    const args = params.arguments ?? {};
    if (this.search.owns(params.name)) {
      const inner = this.search.unwrap(params.name, args);
      if (!inner) return this.search.find(await this.toolsFor(exchange.ctx), args);
      return this.callTool(exchange, inner);
    }
    const tool = await this.catalogue.tool(params.name);
    if (!tool)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `There is no tool "${params.name.slice(0, 200)}". tools/list tells what there is.`,
      );
    const subject = { method: 'tools/call', name: params.name, args };
    return this.converse(exchange, subject, tool.server, async (client, signal) => {
      const call = {
        server: tool.server,
        tool: tool.name,
        // Secrets are named by tasks; what a client sends is data, whatever it looks like.
        args: escapeSecretReferences(args) as Record<string, unknown>,
        signal,
        client,
        approval: exchange.approval,
      };
      try {
        const result = await callWithApproval(this.gateway, exchange.ctx, call, client, signal);
        this.catalogue.remember(tool.server, result.content);
        const answer = answerOf(result);
        return exchange.project?.(answer, tool.definition.outputSchema) ?? answer;
      } catch (error) {
        const redact = await this.redactor();
        const failure = toProtocolError(error, client, exchange.ctx.traceId, redact);
        if (failure instanceof ProtocolError) throw failure;
        return failure;
      }
    });
  }

  async getPrompt(
    exchange: Exchange,
    params: { name: string; arguments?: Record<string, string> | undefined },
  ) {
    const prompt = (await this.catalogue.prompts()).get(params.name);
    if (!prompt)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `There is no prompt "${params.name.slice(0, 200)}".`,
      );
    const subject = { method: 'prompts/get', name: params.name, args: params.arguments };
    return this.converse(exchange, subject, prompt.server, (client, signal) =>
      this.other(exchange, prompt.server, {
        method: 'prompts/get',
        params: { ...params, name: prompt.name },
        client,
        signal,
      }),
    );
  }

  async readResource(exchange: Exchange, { uri }: { uri: string }) {
    const owner = await this.catalogue.ownerOf(uri);
    if (!owner) throw new ResourceNotFoundError(uri);
    const subject = { method: 'resources/read', name: uri, args: {} };
    return this.converse(exchange, subject, owner.server, async (client, signal) => {
      const result = await this.other(exchange, owner.server, {
        method: 'resources/read',
        params: { uri: owner.uri },
        client,
        signal,
      }).catch((error: unknown) => {
        // Older servers have a code of their own for it.
        if (error instanceof ProtocolError && Number(error.code) === -32002)
          throw new ResourceNotFoundError(uri);
        throw error instanceof ProtocolError ? underName(error, owner.uri, uri) : error;
      });
      const contents = (result['contents'] ?? []) as { uri: string }[];
      return {
        ...result,
        contents: contents.map((part) => (part.uri === owner.uri ? { ...part, uri } : part)),
      };
    });
  }

  async complete(
    exchange: Exchange,
    params: {
      ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };
      argument: { name: string; value: string };
    },
  ): Promise<CompleteResult> {
    const { ref } = params;
    const found = ref.type === 'ref/prompt' ? await this.promptRef(ref) : await this.uriRef(ref);
    if (!found)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        'There is no such prompt or template.',
      );
    const result = await this.other(exchange, found.server, {
      method: 'completion/complete',
      params: { ...params, ref: found.ref },
      client: this.sideOf(exchange, undefined, await this.redaction.inForce()),
      signal: exchange.signal,
    });
    return result as CompleteResult;
  }

  /**
   * Word of changes of one resource, until the returned function is called.
   * @throws ResourceNotFoundError; ProtocolError where its server sends no such word
   */
  async watch(uri: string): Promise<() => void> {
    const owner = await this.catalogue.ownerOf(uri);
    const row = owner && (await this.catalogue.server(owner.server));
    if (!owner || !row) throw new ResourceNotFoundError(uri);
    const upstream = this.upstreams.of(row);
    await upstream.about({ timeoutMs: await this.inForce.timeoutMs(row) });
    if (!(await upstream.subscribe(owner.uri)))
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        'The server of this resource does not tell when it changes.',
      );
    return () => upstream.unsubscribe(owner.uri);
  }

  private async promptRef(ref: { type: 'ref/prompt'; name: string }) {
    const prompt = (await this.catalogue.prompts()).get(ref.name);
    return prompt && { server: prompt.server, ref: { ...ref, name: prompt.name } };
  }

  private async uriRef(ref: { type: 'ref/resource'; uri: string }) {
    const template = (await this.catalogue.templates()).get(ref.uri);
    if (template)
      return { server: template.server, ref: { ...ref, uri: template.definition.uriTemplate } };
    const owner = await this.catalogue.ownerOf(ref.uri);
    return owner && { server: owner.server, ref: { ...ref, uri: owner.uri } };
  }

  /** Runs a request that may need input of the client, in the way that client and server have in common. */
  private async converse<T extends object>(
    exchange: Exchange,
    subject: Subject,
    server: string,
    run: (client: ClientSide, signal: AbortSignal) => Promise<T>,
  ): Promise<T | InputRequiredResult> {
    const rules = await this.redaction.inForce();
    if (exchange.ask) return run(this.sideOf(exchange, undefined, rules), exchange.signal);
    const state =
      exchange.state === undefined
        ? undefined
        : await this.states.open(exchange.ctx, subject, exchange.state);
    const owner = callerOf(exchange.ctx);
    const listener = { signal: exchange.signal, ...this.ears(exchange, rules) };
    const waiting = state?.kind === 'parked' ? this.waiting<T>(owner, state) : undefined;
    let client = waiting?.client;
    const next = waiting
      ? await this.parked.resume(waiting, exchange.answers, listener)
      : await this.parked.begin<T>(owner, listener, (call) => {
          client = call.client = this.sideOf(exchange, call, rules, state);
          return run(client, call.signal);
        });
    if (next.kind === 'asks')
      return this.required(exchange, subject, asked(rules, next.inputRequests), {
        kind: 'parked',
        callId: next.callId,
        process: this.states.process,
      });
    const { questions, approved } = client ?? {};
    if (!questions) return next.value;
    const { inputRequests, requestState } = questions;
    return this.required(exchange, subject, asked(rules, inputRequests), {
      kind: 'through',
      server,
      upstream: requestState,
      approved,
    });
  }

  private waiting<T>(owner: string, { callId }: { callId: string }): ParkedCall<T> {
    const call = this.parked.find<T>(owner, callId);
    if (call) return call;
    throw new ProtocolError(
      ProtocolErrorCode.InvalidParams,
      'The call no longer waits for answers here. Make it again.',
      { reason: 'call_gone' },
    );
  }

  /** Of what is short: secrets, and what the rules of the settings take out. */
  private async redactor(): Promise<<T>(value: T) => T> {
    const [redact, rules] = [this.vault.redactor(), await this.redaction.inForce()];
    return (value) => cleanBy(rules, redact(value));
  }

  private required(
    { ctx }: Exchange,
    subject: Subject,
    inputRequests: InputRequiredResult['inputRequests'],
    state: RequestState,
  ): InputRequiredResult {
    return {
      resultType: 'input_required',
      ...(inputRequests ? { inputRequests: this.vault.redactor()(inputRequests) } : {}),
      requestState: this.states.seal(ctx, subject, state),
    };
  }

  private sideOf(
    exchange: Exchange,
    call: ParkedCall<never> | ParkedCall<unknown> | undefined,
    rules: Redaction | undefined,
    state?: RequestState,
  ): ClientSide {
    const redact = this.vault.redactor();
    const { ask } = exchange;
    return {
      capabilities: exchange.capabilities,
      answers: exchange.answers,
      ...(state?.kind === 'through' ? { state: state.upstream, approved: state.approved } : {}),
      logLevel: exchange.logLevel,
      takesQuestions: ask === undefined,
      ask: (question, signal) => {
        if (ask) return ask(cleanBy(rules, redact(question)), signal);
        if (call) return call.ask(question, signal);
        throw new ProtocolError(ProtocolErrorCode.InvalidRequest, 'no input can be asked for here');
      },
      ...(call
        ? { onLog: call.onLog, ...(exchange.progress ? { onProgress: call.onProgress } : {}) }
        : this.ears(exchange, rules)),
    };
  }

  private ears(
    { progress, log }: Exchange,
    rules: Redaction | undefined,
  ): Pick<ClientSide, 'onLog' | 'onProgress'> {
    const redact = this.vault.redactor();
    const [ofLog, ofProgress] = [this.vault.pieces(), this.vault.pieces()];
    return {
      onLog: ({ data, ...params }) => log(cleanBy(rules, { ...redact(params), data: ofLog(data) })),
      ...(progress
        ? {
            onProgress: ({ message, ...params }) =>
              progress({
                ...redact(params),
                ...(message === undefined ? {} : { message: cleanBy(rules, ofProgress(message)) }),
              }),
          }
        : {}),
    };
  }

  private async other(
    exchange: Exchange,
    server: string,
    request: Omit<OtherRequest, 'actor' | 'meta' | 'timeoutMs'>,
  ): Promise<Record<string, unknown>> {
    const row = await this.catalogue.server(server);
    if (!row)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'Its server is switched off.');
    const attributes = { 'aos.tool.server': server, 'mcp.method.name': request.method };
    return inSpan('tool', `${request.method} ${server}`, attributes, async () => {
      const redact = this.vault.redactor();
      try {
        const result = await this.upstreams.of(row).request({
          ...request,
          actor: exchange.ctx.actor,
          meta: { traceparent: activeTraceparent() ?? madeUp(exchange.ctx.traceId) },
          timeoutMs: await this.inForce.timeoutMs(row),
        });
        if (isDeeperThan(result, MAX_DEPTH))
          throw new UpstreamFault('protocol', say('answer-deep', { most: MAX_DEPTH }), true);
        const rules = await this.redaction.inForce();
        return rules ? await rules.whole(redact(result)) : redact(result);
      } catch (error) {
        const { traceId } = exchange.ctx;
        throw toProtocolError(error, request.client, traceId, await this.redactor(), 'request');
      }
    });
  }
}

/** The questions; what each of them is called is by whoever asks it, and comes back with its answer. */
const asked = <T>(rules: Redaction | undefined, questions: Record<string, T> | undefined) =>
  questions &&
  Object.fromEntries(Object.entries(questions).map(([id, each]) => [id, cleanBy(rules, each)]));

const cleanBy = <T>(rules: Redaction | undefined, value: T): T =>
  rules ? rules.short(value) : value;

/** What a server says of a resource names it as it does; the client knows it under another name. */
function underName(error: ProtocolError, its: string, ours: string): ProtocolError {
  if (its === ours) return error;
  const { code, message, data } = error;
  const isAboutIt = (data as { uri?: unknown } | undefined)?.uri === its;
  return new ProtocolError(
    code,
    message.replaceAll(its, ours),
    isAboutIt ? { ...(data as object), uri: ours } : data,
  );
}

const madeUp = (traceId: string) => `00-${traceId}-${randomBytes(8).toString('hex')}-00`;

/** The definition as its server gave it, under our name; marked when that server cannot be reached. */
function shown(name: string, { definition, health }: OfferedTool): OfferedTool['definition'] {
  const tool = { ...definition, name };
  return health.state === 'unhealthy' ? marked(tool, health.error ?? 'it cannot be reached') : tool;
}

/** Prompts and resources have no scopes of their own: whoever is held to some tools sees none of them. */
export const seesAll = (actor: Principal): boolean =>
  isAllowed(actor, 'tool.call') && (actor.capability?.tools.includes('*') ?? true);
