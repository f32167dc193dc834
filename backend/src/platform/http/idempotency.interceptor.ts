import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Response } from 'express';
import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type Observable, from, lastValueFrom } from 'rxjs';
import { say } from '@aos/contracts';
import { MasterKey } from '../config/master-key.js';
import { Database } from '../database/database.js';
import { type AosRequest } from './access.js';
import { type BodyDigest, digestOf } from './body-digest.js';
import { AosError, faultAt } from './problem.js';

class InProgress extends AosError {
  constructor() {
    super('idempotency_in_progress', say('key-in-progress'), { retryAfterSeconds: 1 });
  }
}

const NO_REPLAY = 'aos:no-replay';

/** For answers that hold something shown once: the key is remembered, the answer is not. */
export const NoReplay = () => SetMetadata(NO_REPLAY, true);

const REMEMBERED_HOURS = 24;
const HEARTBEAT_MS = 20_000;
/** A request in progress is refreshed by its process; one that is not for this long died with it. */
const ABANDONED_SECONDS = 90;
/** How often a request looks whether the first one with its key has its answer: soon, and then less and less often. */
const LOOKS_MS = { first: 20, longest: 250 };
/** They ask the database again and again; what waits beyond is told to come back. */
export const MOST_WAITING = 100;
const keptHeaders = ['etag', 'location'];

interface KeyRow {
  body_hash: string;
  status: number | null;
  response: { body?: unknown; headers: Record<string, string>; isKept: boolean } | null;
}

/**
 * Idempotency-Key on every write. The key belongs to the one who sent it and to the route.
 *
 *   no row         -> a row `in progress` is written, the handler runs, the answer is kept for 24 hours.
 *   in progress    -> waits for the first answer, ten seconds at most; then 409 idempotency_in_progress.
 *   answered       -> same body: the first answer again (status, body, ETag, Location), with
 *                     `idempotency-replayed: true`; another body: 409 idempotency_key_reused.
 *
 * Refusals that the handler gives for good reason (4xx) are not kept: nothing was changed, and the next try
 * may be allowed. Nor are failures (5xx). What is kept is the answer of a change that was made.
 * A process that dies in between leaves the row in progress; since nobody refreshes it, it is free again
 * after 90 seconds. Whether the change was committed before the death is then not known here: routes where
 * that matters keep a key of their own in the transaction of the change.
 *
 * Bodies are compared by an HMAC under a key derived from the master key, because a body may hold a secret
 * with so little entropy that a plain hash would give it away. Answers of @NoReplay routes (a new token) are
 * not stored at all: a repeat is told, with 409, that the first answer was given.
 */
@Injectable()
export class IdempotencyInterceptor
  implements NestInterceptor, OnApplicationBootstrap, OnApplicationShutdown
{
  /** How long a request waits for the answer of the first one with its key. */
  patienceMs = 10_000;
  private readonly logger = new Logger(IdempotencyInterceptor.name);
  private readonly hmacKey: Buffer;
  private waiting = 0;
  private readonly inProgress = new Map<symbol, string[]>();
  private heartbeat: NodeJS.Timeout | undefined;
  private pruning: NodeJS.Timeout | undefined;

  constructor(
    private readonly reflector: Reflector,
    private readonly database: Database,
    masterKey: MasterKey,
  ) {
    this.hmacKey = masterKey.derive('idempotency');
  }

  onApplicationBootstrap(): void {
    this.pruning = setInterval(() => void this.quietly(this.prune()), 3600_000).unref();
    this.heartbeat = setInterval(() => void this.quietly(this.refresh()), HEARTBEAT_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.pruning);
    clearInterval(this.heartbeat);
  }

  intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (host.getType() !== 'http') return next.handle();
    const request = host.switchToHttp().getRequest<AosRequest>();
    const key = request.headers['idempotency-key'];
    const isWrite = !['GET', 'HEAD', 'OPTIONS'].includes(request.method);
    // Without a known caller there is nobody whom the key could belong to (signing in is repeatable anyway).
    if (key === undefined || !isWrite || request.ctx.actor.id === 'anonymous') return next.handle();
    if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key))
      throw new AosError('validation_failed', say('key-form'), {
        errors: [faultAt('Idempotency-Key', say('key-rule'))],
      });
    return from(this.once(host, request, key, next));
  }

  private async once(
    host: ExecutionContext,
    request: AosRequest,
    key: string,
    next: CallHandler,
  ): Promise<unknown> {
    const response = host.switchToHttp().getResponse<Response>();
    const id = [request.ctx.actor.id, `${request.method} ${pathOf(request)}`, key];
    const digest = digestOf(request, createHmac('sha256', this.hmacKey));
    const answered = await this.answerOf(id, response);
    if (answered) return this.replay(answered, await digest.whenRead(), response);
    const mark = Symbol(key);
    this.inProgress.set(mark, id);
    try {
      const body: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
      const noReplay =
        this.reflector.get<boolean | undefined>(NO_REPLAY, host.getHandler()) ?? false;
      await this.quietly(this.settle(id, digest, response, body, noReplay));
      return body;
    } catch (error) {
      await this.quietly(this.release(id));
      throw error;
    } finally {
      this.inProgress.delete(mark);
    }
  }

  /** Takes the key, or finds what the one who has it was answered. */
  private async answerOf(id: string[], response: Response): Promise<KeyRow | undefined> {
    const row = await this.claim(id);
    if (row !== 'in progress') return row;
    const until = performance.now() + this.patienceMs;
    if (this.waiting >= MOST_WAITING) throw new InProgress();
    this.waiting++;
    try {
      return await this.whenAnswered(id, () => performance.now() >= until || response.destroyed);
    } finally {
      this.waiting--;
    }
  }

  private async whenAnswered(id: string[], isOver: () => boolean): Promise<KeyRow | undefined> {
    for (let ms = LOOKS_MS.first; !isOver(); ms = Math.min(2 * ms, LOOKS_MS.longest)) {
      await pause(ms);
      // Where it was given back, the first one changed nothing, and this one may try.
      const row = (await this.look(id)) ?? (await this.claim(id));
      if (row !== 'in progress') return row;
    }
    throw new InProgress();
  }

  private async claim(id: string[]): Promise<KeyRow | 'in progress' | undefined> {
    const { count } = await this.database.run(
      `INSERT INTO idempotency_keys AS k (principal, route, key, body_hash) VALUES ($1, $2, $3, '')
       ON CONFLICT (principal, route, key) DO UPDATE
         SET created_at = now(), body_hash = '', status = NULL, response = NULL
         WHERE (k.status IS NULL AND k.created_at < now() - make_interval(secs => ${ABANDONED_SECONDS}))
            OR k.created_at < now() - interval '${REMEMBERED_HOURS} hours'`,
      id,
    );
    if (count === 1) return undefined;
    return (await this.look(id)) ?? 'in progress';
  }

  private async look(id: string[]): Promise<KeyRow | 'in progress' | undefined> {
    const [row] = await this.database.query<KeyRow>(
      'SELECT body_hash, status, response FROM idempotency_keys WHERE principal = $1 AND route = $2 AND key = $3',
      id,
    );
    return row?.status === null ? 'in progress' : row;
  }

  private replay(row: KeyRow, bodyHash: string, response: Response): unknown {
    if (row.body_hash !== bodyHash) throw new AosError('idempotency_key_reused', say('key-reused'));
    if (!row.response?.isKept) throw new AosError('conflict', say('key-shown-once'));
    response.status(row.status!).set({ ...row.response.headers, 'idempotency-replayed': 'true' });
    return row.response.body;
  }

  private async settle(
    id: string[],
    digest: BodyDigest,
    response: Response,
    body: unknown,
    noReplay: boolean,
  ): Promise<void> {
    // A handler that wrote its answer itself (a stream) has given us nothing that could be repeated.
    if (response.headersSent || response.statusCode >= 400) return this.release(id);
    const headers = Object.fromEntries(
      keptHeaders.flatMap((name) => {
        const value = response.getHeader(name);
        return value === undefined ? [] : [[name, String(value)]];
      }),
    );
    const kept = noReplay ? { isKept: false, headers: {} } : { isKept: true, headers, body };
    await this.database.run(
      `UPDATE idempotency_keys SET status = $4, body_hash = $5, response = $6, created_at = now()
        WHERE principal = $1 AND route = $2 AND key = $3`,
      [...id, response.statusCode, await digest.whenRead(), JSON.stringify(kept)],
    );
  }

  private async release(id: string[]): Promise<void> {
    await this.database.run(
      'DELETE FROM idempotency_keys WHERE principal = $1 AND route = $2 AND key = $3 AND status IS NULL',
      id,
    );
  }

  private async refresh(): Promise<void> {
    if (this.inProgress.size === 0) return;
    await this.database.run(
      `UPDATE idempotency_keys k SET created_at = now()
         FROM jsonb_array_elements($1::jsonb) AS mine
        WHERE k.status IS NULL AND k.principal = mine->>0 AND k.route = mine->>1 AND k.key = mine->>2`,
      [JSON.stringify([...this.inProgress.values()])],
    );
  }

  async prune(): Promise<void> {
    await this.database.run(
      `DELETE FROM idempotency_keys WHERE created_at < now() - interval '${REMEMBERED_HOURS} hours'`,
    );
  }

  /** The change is made by now: failing to remember its key must not turn it into an error. */
  private async quietly(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.logger.warn({ msg: 'idempotency keys could not be written', err: error });
    }
  }
}

/** A path can be written in many ways (/jobs/7/, /JOBS/7): that of the route is the one. */
function pathOf({ route, params }: AosRequest): string {
  return (route as { path: string }).path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(String(params[name])),
  );
}
