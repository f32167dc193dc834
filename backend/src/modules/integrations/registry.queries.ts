import { Injectable } from '@nestjs/common';
import {
  type McpServerInfo,
  type McpTool,
  type Page,
  PageQuery,
  type ServerStanding,
} from '@aos/contracts';
import { z } from 'zod';
import { Database } from '../../platform/database/database.js';
import { decodeCursor, toPage } from '../../platform/http/cursor.js';
import { offeredNames } from './aggregate/offered-names.js';
import {
  Registry,
  type ServerRow,
  selectServers,
  selectTools,
  toTool,
  type ToolRow,
} from './registry.js';
import { ServerReports } from './server-reports.js';

export const ToolsQuery = PageQuery.extend({
  server: z.string().max(64).optional(),
  /** Its name within its server: with both, one tool at most. */
  tool: z.string().max(200).optional(),
});
export type ToolsQuery = z.infer<typeof ToolsQuery>;

@Injectable()
export class RegistryQueries {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    private readonly reports: ServerReports,
  ) {}

  servers(query: PageQuery): Promise<Page<McpServerInfo>> {
    return this.pageOf(query, (row) => this.reports.of(row));
  }

  standings(query: PageQuery): Promise<Page<ServerStanding>> {
    return this.pageOf(query, (row) => this.reports.standingOf(row));
  }

  private async pageOf<T>(
    query: PageQuery,
    report: (row: ServerRow) => Promise<T>,
  ): Promise<Page<T>> {
    const after = decodeCursor(query.cursor, 1);
    const rows = await this.database.query<ServerRow>(
      `${selectServers} WHERE $1::text IS NULL OR r.name > $1 ORDER BY r.name LIMIT $2`,
      [after?.[0] ?? null, query.limit + 1],
    );
    const { items, nextCursor } = toPage(
      rows,
      query.limit,
      (row) => [row.name],
      (row) => row,
    );
    return { items: await Promise.all(items.map(report)), nextCursor };
  }

  async server(name: string): Promise<McpServerInfo> {
    return this.reports.of(await this.registry.find(name));
  }

  async tools(query: ToolsQuery): Promise<Page<McpTool>> {
    const after = decodeCursor(query.cursor, 2);
    const rows = await this.database.query<ToolRow>(
      `${selectTools} AND ($1::text IS NULL OR t.server = $1) AND ($2::text IS NULL OR t.name = $2)
        AND ($3::text IS NULL OR (t.server, t.name) > ($3, $4)) ORDER BY t.server, t.name LIMIT $5`,
      [
        query.server ?? null,
        query.tool ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        query.limit + 1,
      ],
    );
    const names = new Map<string, string>();
    for (const [aggregateName, { server, name }] of offeredNames(await this.registry.nameable()))
      names.set(`${server}.${name}`, aggregateName);
    const page = toPage(rows, query.limit, (row) => [row.server, row.name], toTool);
    const items = page.items.flatMap((tool) => {
      const aggregateName = names.get(tool.tool);
      return aggregateName === undefined ? [] : { ...tool, aggregateName }; // it has just gone
    });
    return { items, nextCursor: page.nextCursor };
  }
}
