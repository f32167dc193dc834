import { ROOT_CONTEXT } from '@opentelemetry/api';
import type {
  Health,
  Installation,
  Problem,
  SystemConfig,
  SystemConfigAnswer,
} from '@aos/contracts';
import { once } from 'node:events';
import { type IncomingHttpHeaders, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type HttpApp, type SignedIn, openHttpApp } from '../../../test/http-app.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';
import { inSpan } from '../../platform/telemetry/span.js';
import { LogStore } from '../../platform/telemetry/log-store.js';
import { Redactor } from '../../platform/telemetry/redactor.js';
import { type Telemetry, startTelemetry, tracesOf } from '../../platform/telemetry/telemetry.js';
import { TraceExport } from '../../platform/telemetry/trace-export.js';
import { AuditModule } from '../audit/index.js';
import { HealthModule } from '../health/index.js';
import { TelemetryInSettings } from './telemetry-in-settings.js';
import { ConfigModule, Settings, Vault } from './index.js';

interface Batch {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}
interface OtlpSpan {
  traceId: string;
  name: string;
  status: { message?: string };
}
type Answers = { status: number; body?: string; headers?: Record<string, string> };

/** What takes traces by OTLP over HTTP. */
async function receiver(answers: () => Answers = () => ({ status: 200 })) {
  const batches: Batch[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      batches.push({
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(parts),
      });
      const { status, body, headers } = answers();
      response.writeHead(status, headers).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const spans = () =>
    batches
      .filter(({ headers }) => headers['content-type'] === 'application/json')
      .flatMap(
        ({ body }) =>
          (
            JSON.parse(body.toString()) as {
              resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
            }
          ).resourceSpans,
      )
      .flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans));
  return {
    batches,
    spans,
    names: () => spans().map(({ name }) => name),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
type Receiver = Awaited<ReturnType<typeof receiver>>;

const CANARY = 'canary-8f2c!of traces';
let http: HttpApp;
let owner: SignedIn;
let telemetry: Telemetry;
let one: Receiver;
let two: Receiver;
beforeAll(async () => {
  telemetry = startTelemetry(process.env);
  [one, two, http] = await Promise.all([
    receiver(),
    receiver(),
    openHttpApp({
      imports: [ConfigModule, AuditModule, HealthModule],
      overrides: [{ provide: TraceExport, useValue: telemetry.traces }],
    }),
  ]);
  telemetry.store.attach(http.database);
  telemetry.traces.redactWith(http.app.get(Redactor));
  owner = await http.signIn('owner');
  await putSecret('OTLP_KEY', CANARY);
});
afterAll(async () => {
  await telemetry.flush();
  telemetry.store.detach();
  await http.close();
  await telemetry.shutdown();
  [one, two].forEach((each) => each.close());
});

const putSecret = (name: string, value: string) =>
  http.call(`/config/runtime/secrets/${name}`, { method: 'PUT', as: owner, body: { value } });
const inSettings = () => http.app.get(TelemetryInSettings, { strict: false });
const installation = async () =>
  (await http.call<Installation>('/config/installation', { as: owner })).body.traces;
const health = async () => (await http.call<Health>('/health/ready')).body;

const json = (endpoint: string): Partial<SystemConfig['telemetry']> => ({
  endpoint,
  protocol: 'http/json',
  timeoutMs: 2_000,
});
async function put(telemetry: object) {
  const { body } = await http.call<SystemConfigAnswer>('/config/system', { as: owner });
  return http.call<Problem>('/config/system', {
    method: 'PUT',
    as: owner,
    body: { ...body.config, telemetry },
    headers: { 'if-match': `"${body.version}"` },
  });
}
/** Saved, and in force here. */
async function save(telemetry: object) {
  expect(await put(telemetry)).toMatchObject({ status: 200 });
  await inSettings().look();
}
const span = (name: string, fails?: string) =>
  inSpan(
    'internal',
    name,
    {},
    async () => {
      if (fails !== undefined) throw new Error(fails);
    },
    ROOT_CONTEXT,
  ).catch(() => undefined);

describe('traces, as the settings say', () => {
  it('go to the collector with a secret in a header, without a restart, and nowhere shows the secret', async () => {
    expect(await installation()).toMatchObject({ state: 'off', host: null, overrides: [] });
    await span('before');
    await save({
      ...json(`${one.url}/otel/`),
      headers: [{ name: 'Authorization', secret: 'OTLP_KEY', prefix: 'Bearer ' }],
    });
    expect(await installation()).toMatchObject({ setBy: 'settings', host: new URL(one.url).host });
    await span('after', `refused with ${CANARY}`);
    await telemetry.flush();
    expect(one.names()).toContain('after');
    expect(one.names()).not.toContain('before');
    expect(one.batches[0]).toMatchObject({
      path: '/otel/v1/traces',
      headers: { authorization: `Bearer ${CANARY}` },
    });
    const state = await installation();
    expect(state).toMatchObject({ state: 'ok', reason: null, lost: 0 });
    expect(state.sent).toBeGreaterThan(0);
    expect((await health()).checks['traces']).toMatchObject({ status: 'ok' });
    expect(
      await http.database.query(`SELECT name FROM spans WHERE name IN ('before', 'after')`),
    ).toHaveLength(2);

    // What a span says of an error goes out without it, and its use is on record.
    const sent = one.spans().find(({ name }) => name === 'after');
    expect(sent?.status.message).toBe('refused with [secret OTLP_KEY]');
    const uses = await http.database.query<{ diff: unknown }>(
      `SELECT diff FROM audit_logs WHERE action = 'secret.use'`,
    );
    expect(uses).toEqual([
      {
        diff: { name: 'OTLP_KEY', version: 1, usedFor: `traces to ${new URL(one.url).host}` },
      },
    ]);
    const said = [
      await http.call('/config/installation', { as: owner }),
      await http.call('/metrics'),
    ];
    expect(said.map(({ text }) => text).join()).not.toContain(CANARY);
    expect(said[1]!.text).toMatch(/aos_trace_export_spans_total\{outcome="sent"\} \d/);
  });

  it('go to another one after a change, with what waited going to the one before', async () => {
    await save(json(one.url));
    await span('for one');
    await save({ ...json(two.url), protocol: 'http/protobuf' });
    await span('for two');
    await telemetry.flush();
    await telemetry.traces.forceFlush();
    expect(two.batches.some(({ body }) => body.includes('for two'))).toBe(true);
    expect(two.batches[0]!.headers['content-type']).toBe('application/x-protobuf');
    expect(two.batches.some(({ body }) => body.includes('for one'))).toBe(false);
    await telemetry.traces.settled();
    expect(one.names()).toContain('for one');
    expect(one.names()).not.toContain('for two');
    await save({});
    expect(await installation()).toMatchObject({ state: 'off', host: null });
    const before = two.batches.length;
    await span('for nobody');
    await telemetry.flush();
    expect(two.batches).toHaveLength(before);
  });

  it('go there from every process', async () => {
    const traces = tracesOf({});
    const other = await openHttpApp({
      imports: [ConfigModule],
      overrides: [{ provide: TraceExport, useValue: traces }],
      database: { database: http.database, url: undefined, close: async () => undefined },
      environment: { dataDir: http.environment.dataDir, roles: new Set(['worker'] as const) },
    });
    const host = new URL(one.url).host;
    expect(traces.state.state).toBe('off');
    await save(json(one.url));
    other.app.get(Wakeups).wake('control'); // as the word of it arrives
    await other.app.get(TelemetryInSettings, { strict: false }).look();
    expect(traces.state).toMatchObject({ host, state: 'waiting' });
    await other.app.close();
  });

  it('take a secret anew that was rotated, tell of one that is gone, and come back with it', async () => {
    const header = { headers: [{ name: 'x-key', secret: 'OTLP_KEY' }] };
    await save({ ...json(one.url), ...header });
    await putSecret('OTLP_KEY', 'the next one');
    await inSettings().look();
    await span('rotated');
    await telemetry.flush();
    expect(one.batches.at(-1)!.headers['x-key']).toBe('the next one');

    await http.call('/config/runtime/secrets/OTLP_KEY', { method: 'DELETE', as: owner });
    await inSettings().look();
    const count = one.batches.length;
    await span('without');
    await telemetry.flush();
    expect(one.batches).toHaveLength(count);
    expect(await installation()).toMatchObject({
      state: 'unusable',
      reason: { code: 'traces-no-secret', params: { name: 'OTLP_KEY' } },
    });
    expect(await health()).toMatchObject({
      status: 'degraded',
      checks: { traces: { status: 'failed' } },
    });
    for (const [value, state] of [
      ['汉字 do not fit', { state: 'unusable', reason: { code: 'traces-secret-unfit' } }],
      [CANARY, { state: 'waiting', reason: null }],
    ] as const) {
      await putSecret('OTLP_KEY', value);
      await inSettings().look();
      expect(await installation()).toMatchObject(state);
    }
  });

  it('are not sent, and no secret opened, while its use cannot be recorded', async () => {
    await save({});
    await http.database.query('ALTER TABLE audit_logs RENAME TO away');
    const settings = inSettings();
    const open = (
      settings as unknown as {
        open(wanted: object[], host: string): Promise<unknown>;
      }
    ).open.bind(settings);
    expect(await open([{ name: 'x-key', secret: 'OTLP_KEY', prefix: '' }], 'h')).toMatchObject({
      code: 'traces-secret-away',
    });
    await http.database.query('ALTER TABLE away RENAME TO audit_logs');
  });

  it.each([
    ['refuses', { status: 401, body: CANARY }, { code: 'traces-status', params: { status: 401 } }],
    ['is full', { status: 503 }, { code: 'traces-busy' }],
  ])('tell when a collector %s, without its words', async (_what, answer, reason) => {
    const refusing = await receiver(() => answer);
    await save({ ...json(refusing.url), timeoutMs: 200 });
    await span('refused');
    await telemetry.flush();
    const state = await installation();
    expect(state).toMatchObject({ state: 'failing', reason });
    expect(state.lost).toBeGreaterThan(0);
    expect(JSON.stringify(state)).not.toContain(CANARY);
    refusing.close();
  });

  it('do not follow a collector elsewhere', async () => {
    const count = two.batches.length;
    const leading = await receiver(() => ({
      status: 307,
      headers: { location: `${two.url}/v1/traces` },
    }));
    await save(json(leading.url));
    await span('led away');
    await telemetry.flush();
    expect(await installation()).toMatchObject({
      reason: { code: 'traces-status', params: { status: 307 } },
    });
    expect(two.batches).toHaveLength(count);
    leading.close();
  });

  it('wait for a collector that is away no longer than there is room, and are told of', async () => {
    const gone = await receiver();
    gone.close();
    await save({ ...json(gone.url), timeoutMs: 200 });
    for (let n = 0; n < 3_000; n++) await span('much');
    const { lost } = telemetry.traces.state;
    expect(lost).toBeGreaterThanOrEqual(3_000 - 2_048);
    await telemetry.flush();
    expect(await installation()).toMatchObject({
      state: 'failing',
      reason: { code: 'traces-away', params: { code: 'ECONNREFUSED' } },
    });
    expect(telemetry.traces.state.lost).toBeGreaterThanOrEqual(3_000);
    const { status, checks } = await health();
    expect({ status, traces: checks['traces']?.status }).toEqual({
      status: 'degraded',
      traces: 'failed',
    });
    // What waits for one that never answers keeps nothing back from the next.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    await save({ ...json(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`) });
    for (let n = 0; n < 2_100; n++) await span('more');
    expect(telemetry.traces.state.lost).toBeGreaterThan(0);
    await save(json(one.url));
    await span('room again');
    await telemetry.flush();
    expect(one.names()).toContain('room again');
    silent.closeAllConnections();
    silent.close();
  });

  it('go whole or not at all in the ratio, and the same ones from everywhere', async () => {
    const batch = 200;
    await save({ ...json(one.url), sampleRatio: 0.5 });
    const from = one.spans().length;
    for (let n = 0; n < batch; n++)
      await inSpan(
        'internal',
        'outer',
        {},
        () => inSpan('internal', 'inner', {}, async () => undefined),
        ROOT_CONTEXT,
      );
    await telemetry.flush();
    const got = one
      .spans()
      .slice(from)
      .filter(({ name }) => /^(inner|outer)$/.test(name));
    const traces = new Set(got.map(({ traceId }) => traceId));
    expect(traces.size).toBeGreaterThan(batch / 5);
    expect(traces.size).toBeLessThan(batch - batch / 5);
    expect(got).toHaveLength(traces.size * 2);
    expect(await http.database.query(`SELECT 1 FROM spans WHERE name = 'inner'`)).toHaveLength(
      batch,
    );
    await save({ ...json(one.url), sampleRatio: 0 });
    await span('none');
    await telemetry.flush();
    expect(one.names()).not.toContain('none');
  });
});

describe('the environment', () => {
  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:1/'],
    ['OTEL_EXPORTER_OTLP_HEADERS', `api-key=${CANARY}`],
    ['OTEL_TRACES_EXPORTER', 'none'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'grpc'],
  ])(
    'decides where traces go with %s, and mixes nothing of its own with the settings',
    async (name, value) => {
      const traces = tracesOf({ [name]: value });
      const overridden = traces.state.overrides.map(({ path, variable }) => [path, variable]);
      expect(overridden).toEqual(
        ['endpoint', 'protocol', 'headers', 'timeoutMs'].map((key) => [`telemetry.${key}`, name]),
      );
      expect(traces.state.setBy).toBe('environment');
      expect(JSON.stringify(traces.state)).not.toContain(CANARY);
      // Who asks it to send elsewhere all the same is not heard.
      const before = traces.state;
      traces.send({ endpoint: one.url, protocol: 'http/json', timeoutMs: 1_000 }, {});
      traces.stop();
      traces.refuse({ endpoint: one.url }, { code: 'traces-late' });
      expect(traces.state).toEqual(before);
      await traces.shutdown();
    },
  );

  it('has no secret of the settings opened where it decides', async () => {
    await save({ ...json(one.url), headers: [{ name: 'x-key', secret: 'OTLP_KEY' }] });
    const uses = () => http.database.query(`SELECT 1 FROM audit_logs WHERE action = 'secret.use'`);
    const before = await uses();
    const of = <T>(type: abstract new (...args: never[]) => T) =>
      http.app.get(type, { strict: false });
    const look = (traces: TraceExport) =>
      new TelemetryInSettings(
        ...([of(Settings), of(Vault), http.database, of(Wakeups), traces, of(LogStore)] as const),
      ).look();
    await look(tracesOf({ OTEL_TRACES_EXPORTER: 'none' }));
    expect(await uses()).toHaveLength(before.length);
    await look(tracesOf({}));
    expect(await uses()).toHaveLength(before.length + 1);
  });

  it('decides of one thing alone with its sampler or its time limit, and of all when it is turned off', () => {
    const paths = (env: NodeJS.ProcessEnv) =>
      tracesOf(env).state.overrides.map(({ path }) => path.replace('telemetry.', ''));
    expect(paths({ OTEL_TRACES_SAMPLER: 'always_on' })).toEqual(['sampleRatio']);
    expect(paths({ OTEL_EXPORTER_OTLP_TIMEOUT: '900' })).toEqual(['timeoutMs']);
    expect(paths({ OTEL_SDK_DISABLED: 'true' })).toHaveLength(5);
    expect(paths({ OTEL_SDK_DISABLED: 'false' })).toEqual([]);
  });
});

describe('settings of telemetry', () => {
  const key = { secret: 'OTLP_KEY' };
  it.each([
    ['a user', { endpoint: 'https://me:secret@c.example' }, 'telemetry.endpoint'],
    ['a fragment', { endpoint: 'https://c.example/#x' }, 'telemetry.endpoint'],
    ['another protocol', { endpoint: 'gopher://c.example' }, 'telemetry.endpoint'],
    ['the host', { headers: [{ ...key, name: 'Host' }] }, 'telemetry.headers.0.name'],
    [
      'a header twice',
      {
        headers: [
          { ...key, name: 'a' },
          { ...key, name: 'A' },
        ],
      },
      'telemetry.headers.1.name',
    ],
    [
      'a line end',
      { headers: [{ ...key, name: 'a', prefix: 'x\r\ny: ' }] },
      'telemetry.headers.0.prefix',
    ],
    ['no secret', { headers: [{ name: 'a', secret: CANARY }] }, 'telemetry.headers.0.secret'],
  ])('refuse %s at its field, and repeat no value', async (_what, telemetry, path) => {
    const refused = await put(telemetry);
    expect(refused.body.errors?.map((each) => each.path)).toEqual([path]);
    expect(refused.text).not.toContain(CANARY);
  });

  it('are left out of what is stored where they say nothing, for builds that do not know them', async () => {
    await save({});
    const [row] = await http.database.query<{ config: object }>(
      `SELECT config FROM config_versions ORDER BY version DESC LIMIT 1`,
    );
    expect(row!.config).not.toHaveProperty('telemetry');
    expect(row!.config).not.toHaveProperty('database');
  });

  it('hold for slow statements of this process, too', async () => {
    const { body } = await http.call<SystemConfigAnswer>('/config/system', { as: owner });
    const database = { ...body.config.database, slowStatementMs: 5_000 };
    await http.call('/config/system', {
      method: 'PUT',
      as: owner,
      body: { ...body.config, database },
      headers: { 'if-match': `"${body.version}"` },
    });
    await inSettings().look();
    expect(http.database.slowStatements.limitMs).toBe(5_000);
    const [row] = await http.database.query<{ config: object }>(
      `SELECT config FROM config_versions ORDER BY version DESC LIMIT 1`,
    );
    expect(row!.config).toMatchObject({ database: { slowStatementMs: 5_000 } });
    await save({});
  });

  it('say which lines of the server are kept', async () => {
    const logs = http.app.get(LogStore);
    const kept = async () => {
      for (const level of ['info', 'warn', 'error'] as const)
        logs.add({ level, logger: 'kept.spec', message: level });
      await logs.flush();
      const rows = await http.database.query<{ level: string }>(
        `DELETE FROM logs WHERE logger = 'kept.spec' RETURNING level`,
      );
      return rows.map(({ level }) => level).sort();
    };
    expect(await kept()).toEqual(['error', 'info', 'warn']);
    await save({ keptLogs: 'error' });
    expect(await kept()).toEqual(['error']);
    await save({});
    expect(await kept()).toHaveLength(3);
  });
});
