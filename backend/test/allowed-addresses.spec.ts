import type {
  Page,
  ConfigPreview,
  Problem,
  Proposal,
  SystemConfig,
  SystemConfigAnswer,
} from '@aos/contracts';
import { HealthModule } from '../src/modules/health/index.js';
import { IntegrationsModule } from '../src/modules/integrations/index.js';
import { AddressesInSettings } from '../src/modules/config/addresses-in-settings.js';
import { Settings } from '../src/modules/config/settings.js';
import { readStored, toStored } from '../src/modules/config/stored-settings.js';
import { MonitorModule } from '../src/modules/monitor/index.js';
import { AuditTrail } from '../src/platform/audit/audit-trail.js';
import { Denials } from '../src/platform/http/denials.js';
import { Wakeups } from '../src/platform/outbox/wakeups.js';
import { PlatformStreamModule } from '../src/platform/realtime/stream.module.js';
import { type TestDatabase, isNative, openTestDatabase } from './harness.js';
import { type HttpApp, type SignedIn, openHttpApp, testEnvironment } from './http-app.js';
import { EventSocket } from './stream-app.js';

/** A proxy on the machine itself says whom it heard from; the list is set while people are at work. */
let database: TestDatabase;
let http: HttpApp;
let owner: SignedIn, admin: SignedIn;
const imports = [PlatformStreamModule, IntegrationsModule, MonitorModule, HealthModule];
const environment = { trustedProxies: ['127.0.0.1'], allowAddresses: ['192.0.2.9'] };
const [inside, elsewhere, rescue] = ['203.0.113.7', '198.51.100.1', '192.0.2.9'];
const from = (address: string) => ({ 'x-forwarded-for': address });
const office = { address: '203.0.113.0/24', note: 'The office' };

beforeAll(async () => {
  database = await openTestDatabase();
  http = await openHttpApp({ database, imports, environment });
  owner = await http.signIn('owner');
  admin = await http.signIn('admin');
});
afterAll(() => http.close());

type Answered = SystemConfigAnswer & Proposal & Problem;
async function save(change: (security: SystemConfig['security']) => void, at: string, as = owner) {
  const { body } = await http.call<SystemConfigAnswer>('/config/system', {
    as,
    headers: from(inside),
  });
  change(body.config.security);
  return http.call<Answered>('/config/system', {
    method: 'PUT',
    as,
    body: body.config,
    headers: { ...from(at), 'if-match': `"${body.version}"` },
  });
}
const list = (...listed: { address: string; note?: string }[]) =>
  ((security) => {
    security.allowedAddresses = listed.map(({ address, note = '' }) => ({ address, note }));
  }) as (security: SystemConfig['security']) => void;
const present = async () =>
  (await http.call<SystemConfigAnswer>('/config/system', { as: owner, headers: from(inside) })).body
    .config.security.allowedAddresses;
const preview = (config: object, at = inside) =>
  http.call<ConfigPreview & Problem>('/config/system/preview', {
    method: 'POST',
    as: owner,
    body: config,
    headers: from(at),
  });
const refusals = () =>
  http.database.query<{ resource: string; actor: string; ip: string; diff: object }>(
    `SELECT resource, actor, ip, diff FROM audit_logs
      WHERE action = 'access.denied' AND diff->>'code' = 'address_refused' ORDER BY id`,
  );

describe('an entry that is none', () => {
  it('is refused at its place, and not repeated', async () => {
    const allowedAddresses = [
      { address: '10.0.0.0/33' },
      { address: 'canary.example' },
      { address: ' 10.0.0.0/8 ', note: 'with blanks' },
      { address: '::ffff:10.0.0.1' },
      { address: '10.1.2.3/8' },
      { address: '10.0.0.0/8' },
    ];
    const { status, body, text } = await preview({ security: { allowedAddresses } });
    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(body.errors!.map(({ path, said }) => [path, (said as { code: string }).code])).toEqual([
      ['security.allowedAddresses.0.address', 'address-bits'],
      ['security.allowedAddresses.1.address', 'address-none'],
      ['security.allowedAddresses.3.address', 'address-mapped'],
      ['security.allowedAddresses.4.address', 'address-beyond'],
      ['security.allowedAddresses.5.address', 'address-twice'],
    ]);
    expect(text).not.toContain('canary');
    const saved = await save(list({ address: 'canary.example' }), inside);
    expect([saved.status, await present()]).toEqual([400, []]);
  });
});

describe('before it is saved', () => {
  it('is said whether whoever asks is in it', async () => {
    const access = async (config: object, at: string) => (await preview(config, at)).body.access;
    const config = { security: { allowedAddresses: [office] } };
    const seen = (address: string, isAllowed: boolean, isListed: boolean) => ({
      ...{ address, isAllowed, isListed },
      ignoresProxy: false,
    });
    expect(await access({}, elsewhere)).toEqual(seen(elsewhere, true, false));
    expect(await access(config, inside)).toEqual(seen(inside, true, true));
    expect(await access(config, elsewhere)).toEqual(seen(elsewhere, false, false));
    expect(await access(config, rescue)).toEqual(seen(rescue, true, false));
  });

  it('a list that leaves out whoever saves is refused, and one that holds them is not', async () => {
    for (const address of [elsewhere, 'unknown']) {
      const refused = await save(list(office), address);
      expect([refused.status, refused.body.code]).toEqual([422, 'own_address_excluded']);
      expect(refused.body.errors![0]!.path).toBe('security.allowedAddresses');
    }
    expect(await present()).toEqual([]);
  });
});

describe('as soon as it is saved', () => {
  const mcp = (method: string, headers: object = {}) => ({
    method,
    headers: { accept: 'application/json, text/event-stream', ...headers },
  });
  let stream: EventSocket, staying: EventSocket;
  const ended: Promise<string>[] = [];

  /** All that comes until the end, also where it is cut. */
  async function rest(response: Response): Promise<string> {
    let text = '';
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    } catch {
      // it was cut, as it should be
    }
    return text;
  }
  const socket = (at: string) =>
    new EventSocket(`${http.baseUrl.replace('http', 'ws')}/agent/events`, {
      authorization: `Bearer ${owner.token}`,
      ...from(at),
    });

  beforeAll(async () => {
    stream = await socket(elsewhere).subscribe();
    staying = await socket(inside).subscribe();
    const headers = { authorization: `Bearer ${owner.token}`, ...from(elsewhere) };
    for (const path of ['/agent/events', '/monitor/metrics/live', '/monitor/logs/live'])
      ended.push(rest(await fetch(http.baseUrl + path, { headers })));
    const begun = await fetch(`${http.baseUrl}/mcp`, {
      method: 'POST',
      headers: {
        ...headers,
        ...mcp('POST').headers,
        'content-type': 'application/json',
      },
      body: JSON.stringify({
        ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'x', version: '1' },
        },
      }),
    });
    await begun.text();
    const session = begun.headers.get('mcp-session-id')!;
    ended.push(
      rest(
        await fetch(`${http.baseUrl}/mcp`, {
          headers: { ...headers, accept: 'text/event-stream', 'mcp-session-id': session },
        }),
      ),
    );
    const saved = await save(list(office), inside);
    expect([saved.status, saved.body.config?.security.allowedAddresses]).toEqual([200, [office]]);
  });
  afterAll(() => {
    stream.close();
    staying.close();
  });

  it('what is open to other addresses ends, and says why', async () => {
    expect(await stream.closed).toEqual({ code: 4403, reason: 'address not allowed' });
    const [events, metrics, logs, ofMcp] = await Promise.all(ended);
    for (const text of [events, metrics, logs])
      expect(text).toContain('event: end\ndata: {"reason":"address not allowed"}');
    expect(ofMcp).toContain(': address not allowed');
    expect(staying.ws.readyState).toBe(staying.ws.OPEN);
  });

  it.each([
    ['/auth/login', { method: 'POST', body: { email: 'a@b.c', password: 'wrong' } }],
    ['/auth/login', { method: 'POST', body: 'no object' }],
    ['/auth/me', {}],
    ['/agent/events', {}],
    ['/monitor/logs/live', {}],
    ['/metrics', {}],
    ['/api/openapi.json', {}],
    ['/.well-known/oauth-protected-resource', {}],
    ['/HEALTH/live', {}],
    ['/console/../auth/me', {}],
    ['/nothing-here', {}],
  ])('%s is refused to others, whoever they are', async (path, options: object) => {
    const told = new Set<string>();
    for (const as of [owner, undefined]) {
      const { status, body, headers } = await http.refused(path, {
        ...options,
        ...(as && { as }),
        headers: from(elsewhere),
      });
      expect([status, body.code]).toEqual([403, 'address_refused']);
      expect(headers.get('www-authenticate')).toBeNull();
      told.add(JSON.stringify({ ...body, traceId: '' }));
    }
    expect(told.size).toBe(1);
  });

  it.each([
    ['POST', {}],
    ['POST', { 'idempotency-key': 'key-of-a-call' }],
    ['GET', {}],
    ['DELETE', {}],
  ])('%s /mcp %j is refused in words of the protocol', async (method, headers) => {
    const {
      status,
      body,
      headers: answered,
    } = await http.call<{ error: { data: Problem } }>('/mcp', {
      ...mcp(method, { ...headers, ...from(elsewhere) }),
      as: owner,
      ...(method === 'POST' && {
        body: { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} },
      }),
    });
    expect(status).toBe(403);
    expect(body).toMatchObject({ jsonrpc: '2.0', id: null });
    expect(body.error.data.code).toBe('address_refused');
    expect(answered.get('www-authenticate')).toBeNull();
  });

  it('no socket is opened to others', async () => {
    const { status, body } = await socket(elsewhere).refusal();
    expect([status, (JSON.parse(body) as Problem).code]).toEqual([403, 'address_refused']);
  });

  it('the probes answer everybody, and who is in the list gets everything', async () => {
    for (const path of ['/health/live', '/health/ready'])
      expect((await http.call(path, { headers: from(elsewhere) })).status).toBe(200);
    for (const at of [inside, rescue])
      expect((await http.call('/auth/me', { as: owner, headers: from(at) })).status).toBe(200);
  });

  it('what a client writes of its way itself changes nothing', async () => {
    const headers = from(`${inside}, ${elsewhere}`);
    expect((await http.call('/auth/me', { as: owner, headers })).status).toBe(403);
    // Nor does that it sits on the machine of the server, behind the proxy.
    expect((await http.call('/auth/me', { as: owner })).status).toBe(403);
  });

  it('who was refused stands in the audit once a minute and address, with how often', async () => {
    const denials = http.app.get(Denials);
    await denials.flush();
    const before = (await refusals()).length;
    const knock = (at: string) => http.call('/auth/me', { headers: from(at) });
    for (let n = 0; n < 4; n++) await knock(elsewhere);
    // Of IPv6 whoever has one address of a network has all.
    for (let n = 0; n < 4; n++) await knock(`2001:db8::${n}`);
    const whole = (await refusals()).slice(before);
    expect(whole.map(({ ip, resource, actor }) => [ip, resource, actor])).toEqual([
      [elsewhere, 'http:GET /auth/me', 'anonymous'],
      ['2001:db8::', 'http:GET /auth/me', 'anonymous'],
    ]);
    await denials.flush();
    expect((await refusals()).slice(before + 2).map(({ diff }) => diff)).toEqual([
      { code: 'address_refused', count: 3 },
      { code: 'address_refused', count: 3 },
    ]);
    // And many addresses at once are one.
    for (let n = 0; n < 100; n++) await knock(`192.0.2.${n + 100}`);
    await denials.flush();
    const many = (await refusals()).slice(before + 4);
    expect([many.length, many.at(-1)!.diff]).toEqual([62, { code: 'address_refused', count: 39 }]);
    const { text } = await http.call('/metrics', { headers: from(inside) });
    const counted = (way: string) =>
      Number(new RegExp(`aos_addresses_refused_total{way="${way}"} (\\d+)`).exec(text)?.[1]);
    expect(counted('http')).toBeGreaterThanOrEqual(108);
    expect(counted('mcp')).toBe(4);
    expect(counted('ws')).toBe(1);
    // No sign-in was tried, and none of the refused counts against the pause of an address.
    expect(
      await http.database.query(`SELECT 1 FROM audit_logs WHERE action = 'login'`),
    ).toHaveLength(0);
  });

  it('the audit of what is done names the client, not its proxy', async () => {
    const [row] = await http.database.query<{ ip: string }>(
      `SELECT ip FROM audit_logs WHERE action = 'config.save' ORDER BY id DESC LIMIT 1`,
    );
    expect(row!.ip).toBe(inside);
  });

  const onServer = isNative ? it : it.skip; // one process only on PGlite: AOS_TEST_DB=native, which npm test also runs
  onServer('another process refuses as soon as it hears of it', async () => {
    const other = await openHttpApp({ database, imports: [PlatformStreamModule], environment });
    const second = { ...other };
    const admits = other.app.get(AddressesInSettings, { strict: false });
    expect(await admits.admits('203.0.114.1')).toBe(false);
    const heard = new Promise<void>((done) => {
      const stop = other.app.get(Wakeups).on('control', () => {
        stop();
        done();
      });
    });
    await save(list(office, { address: '203.0.114.0/24' }), inside);
    await heard;
    expect(await admits.admits('203.0.114.1')).toBe(true);
    await second.app.close();
  });

  it('a list that leaves out whoever saves, confirms or restores is refused', async () => {
    expect((await save(list({ address: '10.0.0.0/8' }), inside)).body.code).toBe(
      'own_address_excluded',
    );
    // Whoever came in by the variable may save a list without it: that is what it is for.
    expect((await save(list(office, { address: '10.0.0.0/8' }), rescue)).status).toBe(200);
    const second = await save((security) => (security.secondPerson.settings = true), inside);
    expect(second.status).toBe(200);
    const narrow = await save(list({ address: inside }), inside);
    expect(narrow.status).toBe(202);
    const decide = (at: string, more: object = {}, as = admin) =>
      http.call<Answered>(`/config/proposals/${narrow.body.id}/decide`, {
        method: 'POST',
        as,
        body: { decision: 'confirm', ...more },
        headers: from(at),
      });
    expect((await decide('203.0.113.8')).body.code).toBe('own_address_excluded');
    const alone = { breakGlass: true, comment: 'nobody else is awake' };
    expect((await decide('203.0.113.8', alone, owner)).body.code).toBe('own_address_excluded');
    expect(await present()).toHaveLength(2);
    expect((await decide(inside)).body.state).toBe('applied');
    expect(await present()).toEqual([{ address: inside, note: '' }]);
    const { body } = await http.call<Page<{ version: number }>>('/config/system/history', {
      as: owner,
      headers: from(inside),
    });
    expect(body.items.length).toBeGreaterThan(3);
  });
});

test('the variable that lets addresses in is in the record of each start', async () => {
  const rows = await http.database.query<{ actor: string; diff: object }>(
    `SELECT actor, diff FROM audit_logs WHERE action = 'addresses.allow-at-start' ORDER BY id LIMIT 1`,
  );
  expect(rows).toEqual([{ actor: 'system', diff: { addresses: [rescue] } }]);
});

test('while the database is away the list that was read last holds', async () => {
  const own = await openTestDatabase();
  const wakeups = new Wakeups(own.database);
  const settings = new Settings(own.database, wakeups);
  await settings.onModuleInit();
  await own.database.query(
    `UPDATE config_versions SET config = jsonb_set(config, '{security,allowedAddresses}', $1)`,
    [JSON.stringify([office])],
  );
  const addresses = new AddressesInSettings(
    settings,
    new AuditTrail(own.database),
    testEnvironment(),
  );
  expect([await addresses.admits(inside), await addresses.admits(elsewhere)]).toEqual([
    true,
    false,
  ]);
  await own.close();
  wakeups.wake('control'); // what was read is not good any more
  expect(settings.fresh()).toBeUndefined();
  expect([await addresses.admits(inside), await addresses.admits(elsewhere)]).toEqual([
    true,
    false,
  ]);
});

describe('settings that another version wrote', () => {
  const stored = { ...readStored({}).config };
  it('hold but for the keys that are not known here', () => {
    const written = {
      ...stored,
      later: { x: 1 },
      security: {
        ...stored.security,
        fence: true,
        allowedAddresses: [{ ...office, until: '2030-01-01' }],
      },
    };
    const { config, fits } = readStored(written);
    expect([fits, config.security.allowedAddresses]).toEqual(['in part', [office]]);
  });

  it.each<[unknown, string]>([
    [['203.0.113.7'], 'entries of another form'],
    [{ everybody: false }, 'another form'],
    [null, 'nothing that is a list'],
  ])('let in nobody where the list is %j, %s', (allowedAddresses) => {
    const { config, fits } = readStored({ security: { allowedAddresses } });
    expect([fits, config.security.allowedAddresses.length]).toEqual(['not', 1]);
  });

  it('keep the list where something else does not fit', () => {
    const { config } = readStored({
      llm: { provider: 'later' },
      security: { allowedAddresses: [office] },
    });
    expect([config.llm.provider, config.security.allowedAddresses]).toEqual(['none', [office]]);
  });

  it('are read by a version without the list, or without embeddings, as long as there are none', () => {
    expect(JSON.stringify(toStored(stored))).not.toMatch(/allowedAddresses|embeddings/);
    const embedding = { ...stored, embeddings: { ...stored.embeddings, model: 'near' } };
    expect(readStored(toStored(embedding)).config).toEqual(embedding);
    const listed = { ...stored, security: { ...stored.security, allowedAddresses: [office] } };
    expect(readStored(toStored(listed)).config).toEqual(listed);
  });
});
