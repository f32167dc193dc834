import type { Environment } from '../config/environment.js';
import { MasterKey } from '../config/master-key.js';
import { Olap } from './olap.js';

/** What CLICKHOUSE_URL names; nothing where it is unset. Nothing is asked of it yet: see Olap. */
export async function openOlap(environment: Environment): Promise<Olap | undefined> {
  if (!environment.clickhouseUrl) return undefined;
  const installation = MasterKey.load(environment).derive('olap').toString('hex').slice(0, 24);
  return olapAt(environment.clickhouseUrl, installation);
}

/** The client is loaded where it is used. */
export async function olapAt(text: string, installation: string): Promise<Olap> {
  const { createClient, ClickHouseLogLevel } = await import('@clickhouse/client');
  const url = new URL(text);
  const [username, password, database] = [url.username, url.password, url.pathname.slice(1)].map(
    decodeURIComponent,
  );
  const client = createClient({
    url: url.origin,
    username: username || 'default',
    password: password ?? '',
    database: database || 'default',
    application: 'aos',
    max_open_connections: 4,
    request_timeout: 120_000, // longer than Olap waits for anything
    // Whatever it has to say is said by Olap, once.
    log: { level: ClickHouseLogLevel.OFF },
    compression: { request: true, response: true },
    clickhouse_settings: {
      // As Postgres's driver gives a bigint: as text, whole.
      output_format_json_quote_64bit_integers: 1,
      // What is inserted is on the disk when the answer comes, or was never taken.
      async_insert: 0,
    },
  });
  return new Olap(client, url.origin, installation);
}
