import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type Said, type SystemConfig, say } from '@aos/contracts';
import { randomUUID } from 'node:crypto';
import { validateHeaderValue } from 'node:http';
import { Database } from '../../platform/database/database.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { AosError } from '../../platform/http/problem.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { LogStore } from '../../platform/telemetry/log-store.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';
import { Settings } from './settings.js';
import { Vault } from './vault.js';

/** Behind a lost wake-up, and for a secret that was rotated. */
const LOOK_MS = 5_000;

/**
 * Holds traces and the log of this process, whatever it does, to the settings: at the start, with the wake-up of a change, and by
 * looking. A secret is opened when it is to be used anew (another place, another header, another version of it), which
 * is in the audit as every use is; not for every batch. While the database is away, all stays as it was.
 */
@Injectable()
export class TelemetryInSettings implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(TelemetryInSettings.name);
  private applied = '';
  private looking: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => void) | undefined;
  private failures = 0;
  private isStopped = false;

  constructor(
    private readonly settings: Settings,
    private readonly vault: Vault,
    private readonly database: Database,
    private readonly wakeups: Wakeups,
    private readonly traces: TraceExport,
    private readonly logs: LogStore,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.stopListening = this.wakeups.on('control', () => void this.look());
    this.timer = setInterval(() => void this.look(), LOOK_MS).unref();
    await this.look();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    this.stopListening?.();
    clearInterval(this.timer);
    await this.looking;
  }

  /** One after the other: what was asked for last holds in the end. */
  look(): Promise<void> {
    return (this.looking = this.looking.then(async () => {
      if (this.isStopped) return;
      try {
        await this.apply();
        this.failures = 0;
      } catch (error) {
        if (this.failures++ === 0)
          this.logger.warn(
            `The settings could not be looked at, and are again in ${LOOK_MS / 1000} s: ${(error as Error).message}`,
          );
      }
    }));
  }

  private async apply(): Promise<void> {
    const { telemetry, database } = await this.settings.system();
    this.database.slowStatements.limitMs = database.slowStatementMs;
    this.logs.keptFrom = telemetry.keptLogs;
    this.traces.setRatio(telemetry.sampleRatio);
    if (this.traces.isSetOutside) return;
    const { endpoint, protocol, headers, timeoutMs } = telemetry;
    const place = { endpoint, protocol, headers, timeoutMs };
    const wanted = JSON.stringify([place, await this.versions(telemetry)]);
    if (wanted === this.applied) return;
    if (endpoint === undefined) this.traces.stop();
    else {
      const opened = await this.open(headers, new URL(endpoint).host);
      if ('code' in opened) {
        this.traces.refuse({ endpoint }, opened);
        // It may open the next time: nothing else will have changed then.
        if (opened.code === 'traces-secret-away') return;
      } else this.traces.send({ ...place, endpoint }, opened.headers);
    }
    this.applied = wanted;
  }

  private async versions({ endpoint, headers }: SystemConfig['telemetry']): Promise<unknown> {
    if (endpoint === undefined || headers.length === 0) return [];
    return this.database.query(
      'SELECT name, version FROM secrets WHERE project_id IS NULL AND name = ANY ($1) ORDER BY name',
      [headers.map(({ secret }) => secret)],
    );
  }

  private async open(
    wanted: SystemConfig['telemetry']['headers'],
    host: string,
  ): Promise<{ headers: Record<string, string> } | Said> {
    const ctx = { actor: systemPrincipal, traceId: randomUUID().replaceAll('-', ''), ip: null };
    const headers: Record<string, string> = {};
    for (const { name, secret, prefix } of wanted) {
      try {
        headers[name] = prefix + (await this.vault.reveal(ctx, secret, null, `traces to ${host}`));
      } catch (error) {
        const isGone = error instanceof AosError && error.code === 'unknown_secret';
        return say(isGone ? 'traces-no-secret' : 'traces-secret-away', { name: secret });
      }
      try {
        validateHeaderValue(name, headers[name]);
      } catch {
        return say('traces-secret-unfit', { name: secret }); // the error would quote nothing, and say no more
      }
    }
    return { headers };
  }
}
