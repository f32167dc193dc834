import { Injectable } from '@nestjs/common';
import type { ToolReport } from '@aos/contracts';
import { Database } from '../../platform/database/database.js';
import type { Ctx } from '../../platform/http/context.js';
import { CallsQueries } from './calls.queries.js';
import { UnknownTool } from './integrations.errors.js';
import { type PinRow, selectPins, toPin } from './pins.queries.js';
import { Registry } from './registry.js';
import { ServerReports } from './server-reports.js';

/** One tool as it does now, told in one answer for whoever looks at its page. */
@Injectable()
export class ToolReportQueries {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly reports: ServerReports,
    private readonly calls: CallsQueries,
  ) {}

  /** Also of a tool that is held back. @throws UnknownServer, UnknownTool */
  async of(ctx: Ctx, server: string, tool: string): Promise<ToolReport> {
    const row = await this.registry.find(server);
    const [pinned] = await this.database.query<PinRow>(
      `${selectPins} WHERE t.server = $1 AND t.name = $2 AND NOT t.is_gone`,
      [server, tool],
    );
    if (!pinned) throw new UnknownTool(server, tool);
    const { state, hash, approvedBy, changedAt } = toPin(pinned);
    return {
      ...{ server, tool },
      activity: await this.calls.activityOf(ctx, server, tool),
      ...(await this.reports.ofTool(row, tool)),
      pin: { state, hash, approvedBy, changedAt },
    };
  }
}
