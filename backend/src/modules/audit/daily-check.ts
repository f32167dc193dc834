import { randomBytes } from 'node:crypto';
import {
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Environment } from '../../platform/config/environment.js';
import { Database } from '../../platform/database/database.js';
import { type Ctx, systemPrincipal } from '../../platform/http/context.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import { AuditVerifier } from './verifier.js';

const HOUR_MS = 3_600_000;

/**
 * Checks the record once a day without being asked, whichever process comes to it first, so that what was done to it is an
 * anomaly within a day and not on the day of an audit.
 */
@Injectable()
export class DailyCheck implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(DailyCheck.name);
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly verifier: AuditVerifier,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.environment.roles.has('relay')) return;
    this.timer = setInterval(() => {
      this.running ??= this.look()
        .catch((error: unknown) =>
          this.logger.error({
            msg: 'the audit record could not be checked, and will be in an hour',
            err: error,
          }),
        )
        .finally(() => (this.running = undefined));
    }, HOUR_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    await this.running;
  }

  async look(): Promise<void> {
    const done = await this.database.query(
      `SELECT 1 FROM audit_logs WHERE actor = $1 AND action = 'audit.verify' AND created_at > now() - interval '23 hours' LIMIT 1`,
      [systemPrincipal.id],
    );
    if (done.length > 0) return;
    const ctx: Ctx = {
      actor: systemPrincipal,
      traceId: randomBytes(16).toString('hex'),
      ip: null,
    };
    for (let from: number | null = 1; from !== null && !this.isStopped;)
      from = (await this.verifier.verifyFor(ctx, from)).next;
  }
}
