import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openTestDatabase } from '../../../test/harness.js';
import { inSpan } from './span.js';
import { startTelemetry } from './telemetry.js';

describe('telemetry', () => {
  it('sends spans to the collector that the standard variables name, and keeps them as well', async () => {
    const collector = createServer((_request, response) => response.writeHead(200).end()).listen(
      0,
      '127.0.0.1',
    );
    await once(collector, 'listening');
    const received = once(collector, 'request') as Promise<[IncomingMessage]>;
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] =
      `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const test = await openTestDatabase();
    const telemetry = startTelemetry(process.env);
    // Ended before the database is there: it waits.
    await inSpan('job', 'early', {}, async () => undefined);
    telemetry.store.attach(test.database);
    await telemetry.flush();
    const [request] = await received;
    expect(request.url).toBe('/v1/traces');
    expect(request.headers['content-type']).toBe('application/x-protobuf');
    expect(await test.database.query('SELECT name, kind FROM spans')).toEqual([
      { name: 'early', kind: 'job' },
    ]);

    // Past its end, nothing is written any more and nobody waits for it.
    telemetry.store.detach();
    await inSpan('job', 'late', {}, async () => undefined);
    await telemetry.flush();
    expect(await test.database.query('SELECT name FROM spans')).toHaveLength(1);
    await telemetry.shutdown();
    await test.close();
    delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
    collector.close();
  });
});
