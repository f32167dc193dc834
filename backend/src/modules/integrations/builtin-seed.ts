import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Database } from '../../platform/database/database.js';
import { sql } from '../../platform/database/sql.js';
import { BUILTIN_SERVERS, type BuiltinServers } from './builtin-servers.js';
import { Registry } from './registry.js';

/**
 * Puts the built-in servers into the registry at each start, with the tools that this version has. What an
 * operator has changed (description, timeout, switched off) stays. Several processes may do it at once: each
 * statement is an upsert.
 */
@Injectable()
export class BuiltinSeed implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly registry: Registry,
    @Inject(BUILTIN_SERVERS) private readonly servers: BuiltinServers,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const [name, { description }] of Object.entries(this.servers)) {
      const route = {
        name,
        transport: 'builtin' as const,
        base_url: `builtin:${name}`,
        command: null,
        args: [],
        auth_token: null,
      };
      const tools = await this.registry.ask(route);
      await this.database.transaction(async (tx) => {
        await sql(
          tx,
          `INSERT INTO mcp_registry (name, base_url, description, capabilities, transport, timeout_ms, health)
           VALUES ($1, $2, $3, '{}', 'builtin', 600000, $4)
           ON CONFLICT (name) DO UPDATE SET base_url = EXCLUDED.base_url, health = EXCLUDED.health`,
          [
            name,
            route.base_url,
            description,
            JSON.stringify({ state: 'healthy', checkedAt: new Date().toISOString() }),
          ],
        );
        await this.registry.keepTools(tx, name, tools);
      });
    }
  }
}
