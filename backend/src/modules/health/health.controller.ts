import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import { Health, type TraceExportState } from '@aos/contracts';
import type { Response } from 'express';
import type { Environment } from '../../platform/config/environment.js';
import { type AosRequest, Public } from '../../platform/http/access.js';
import { ApiOperation, ApiResponse, ApiTags } from '../../platform/http/api-notes.js';
import { Authenticator } from '../../platform/http/authenticator.js';
import { isAllowed } from '../../platform/http/context.js';
import { isLoopbackName } from '../../platform/http/own-address.js';
import { AosError, Forbidden } from '../../platform/http/problem.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';
import type { BusState } from '../../platform/bus/bus.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';
import { type CopyState, Copy } from './copy.js';
import { DataFolder } from './data-folder.js';
import { Metrics } from './metrics.js';
import { type DatabaseState, Probe } from './probe.js';

const LAGGING_SECONDS = 30;
const LATE_SECONDS = 1;
/** Sealing follows a row within a second or two. */
const UNSEALED_SECONDS = 60;

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(
    private readonly probe: Probe,
    private readonly dataFolder: DataFolder,
    private readonly metrics: Metrics,
    private readonly authenticator: Authenticator,
    private readonly wakeups: Wakeups,
    private readonly copy: Copy,
    private readonly traces: TraceExport,
    @Inject(ENVIRONMENT) private readonly environment: Environment,
  ) {}

  /** Whether the process should be left running; says nothing of what it depends on. */
  @Get('health/live')
  @Public()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Whether the process runs', operationId: 'healthLive' })
  @ApiResponse({ status: 200, standardSchema: Health })
  live(): Health {
    return { status: 'ok', checks: { process: { status: 'ok', detail: 'The process answers.' } } };
  }

  /**
   * Whether requests should be sent here. Without its data folder a process has no files, and on the embedded database no
   * changes; it still answers, and says so.
   */
  @Get('health/ready')
  @Public()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Whether requests can be served', operationId: 'healthReady' })
  @ApiResponse({ status: 200, standardSchema: Health })
  @ApiResponse({ status: 503, standardSchema: Health })
  async ready(@Res() response: Response): Promise<void> {
    const [state, folderFault, copy] = await Promise.all([
      this.probe.databaseState().catch((error: Error) => error),
      this.dataFolder.fault(),
      this.copy.state(),
    ]);
    const loopP99 = this.probe.eventLoop().p99;
    const health = toHealth(
      state,
      this.probe.hasVector,
      loopP99,
      folderFault,
      this.wakeups.busState,
      copy,
      this.traces.state.state,
    );
    if (health.status === 'unavailable') response.setHeader('retry-after', '2');
    response.status(health.status === 'unavailable' ? 503 : 200).json(health);
  }

  /** Open on this machine, as Prometheus expects; from elsewhere it takes monitor.read. */
  @Get('metrics')
  @Public()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Metrics for Prometheus', operationId: 'metrics' })
  @ApiResponse({
    status: 200,
    description: 'Text format',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  async scrape(@Req() request: AosRequest, @Res() response: Response): Promise<void> {
    if (!isLoopbackName(this.environment.host)) {
      const actor = await this.authenticator.authenticate(request);
      if (!actor) throw new AosError('unauthenticated', 'Metrics take a token with monitor.read.');
      if (!isAllowed(actor, 'monitor.read'))
        throw new Forbidden('Metrics take the permission monitor.read.');
    }
    response.type('text/plain; version=0.0.4; charset=utf-8').send(await this.metrics.render());
  }
}

function toHealth(
  state: DatabaseState | Error,
  hasVector: boolean,
  loopP99: number,
  folderFault: string | undefined,
  bus: BusState | undefined,
  copy: CopyState | undefined,
  traces: TraceExportState['state'],
): Health {
  const isAway = state instanceof Error;
  const isLagging = !isAway && state.relayLagSeconds > LAGGING_SECONDS;
  const isUnsealed = !isAway && state.unsealed.oldestSeconds > UNSEALED_SECONDS;
  const areTracesLost = traces === 'failing' || traces === 'unusable';
  const isLate = loopP99 > LATE_SECONDS;
  // NOTIFY is the database's, and so is its health.
  const broker = bus?.kind === 'postgres' ? undefined : bus;
  return {
    status: isAway
      ? 'unavailable'
      : isLagging ||
          isUnsealed ||
          isLate ||
          folderFault !== undefined ||
          broker?.isUp === false ||
          copy?.isGood === false ||
          areTracesLost
        ? 'degraded'
        : 'ok',
    checks: {
      database: isAway
        ? { status: 'failed', detail: 'The database does not answer.' }
        : { status: 'ok', detail: 'The database answers.' },
      dataFolder:
        folderFault === undefined
          ? { status: 'ok', detail: 'The data folder can be written.' }
          : { status: 'failed', detail: folderFault },
      pgvector: hasVector
        ? { status: 'ok', detail: 'pgvector is there: memory can be searched by meaning.' }
        : { status: 'off', detail: 'pgvector is missing: memory is searched by its words.' },
      ...(isAway
        ? {}
        : {
            relay: {
              status: isLagging ? ('failed' as const) : ('ok' as const),
              detail: `The oldest unpublished event is ${state.relayLagSeconds.toFixed(1)} s old.`,
            },
            audit: {
              status: isUnsealed ? ('failed' as const) : ('ok' as const),
              detail: `The oldest row of the audit record that is not sealed is ${state.unsealed.oldestSeconds.toFixed(1)} s old.`,
            },
          }),
      ...(broker
        ? {
            bus: broker.isUp
              ? { status: 'ok' as const, detail: `The bus (${broker.kind}) is connected.` }
              : {
                  status: 'failed' as const,
                  detail: `The bus (${broker.kind}) is away; other processes are found by polling until it is back.`,
                },
          }
        : {}),
      ...(copy
        ? {
            clickhouse: {
              status: copy.isGood ? ('ok' as const) : ('failed' as const),
              detail: copy.detail,
            },
          }
        : {}),
      ...(traces === 'off'
        ? {}
        : {
            traces: areTracesLost
              ? {
                  status: 'failed' as const,
                  detail:
                    'Traces do not reach the collector; the settings say why. AOS keeps its own copy.',
                }
              : { status: 'ok' as const, detail: 'Nothing is known that keeps traces back.' },
          }),
      eventLoop: {
        status: isLate ? 'failed' : 'ok',
        detail: `99 of 100 turns are late by at most ${(loopP99 * 1000).toFixed(0)} ms.`,
      },
    },
  };
}
