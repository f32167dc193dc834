import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type OutboundOAuth, RegisterServer } from '@aos/contracts';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { Ctx } from '../../../platform/http/context.js';
import { Redactor } from '../../../platform/telemetry/redactor.js';
import { SessionAuthenticator } from '../../auth/session-authenticator.js';
import { Capabilities } from '../chain/capability.js';
import { BearerTokens } from '../chain/identity.js';
import { RemoveMcpServer } from '../commands/remove-server.js';
import {
  type ToolServerOfTest,
  controlledClock,
  frozenClock,
  startToolServer,
} from '../chain/testing.js';
import { type GatewayParts, actor, admin, startGateway } from '../testing.js';
import { CallerAssertions } from './caller-assertions.js';
import { HealthProbes } from './health-probes.js';
import { OutboundTokens } from './outbound-tokens.js';

let parts: GatewayParts;
let server: ToolServerOfTest;
let stranger: ToolServerOfTest;
let issuerServer: Server;
let issuer: string;
let metadataIssuer: string | undefined;
let tokenEndpoint: string | undefined;
let plainMetadata: object | undefined;
let answer: { status: number; body: string };
let onExchange: ((form: URLSearchParams) => Promise<typeof answer>) | undefined;
const forms: { form: URLSearchParams; authorization: string | undefined }[] = [];
let n = 0;

beforeAll(async () => {
  parts = await startGateway({});
  await parts.configure({ httpAllowAddresses: ['127.0.0.1'] });
  server = await startToolServer([{ name: 'a' }]);
  stranger = await startToolServer([{ name: 'a' }]);
  issuerServer = createServer((request, response) => {
    if (request.url === '/.well-known/oauth-authorization-server' && plainMetadata) {
      response.end(JSON.stringify(plainMetadata));
      return;
    }
    if (request.url?.includes('/elsewhere')) return void response.writeHead(404).end();
    if (request.url?.startsWith('/.well-known/')) {
      response.end(
        JSON.stringify({
          issuer: metadataIssuer ?? issuer,
          token_endpoint: tokenEndpoint ?? `${issuer}/token`,
        }),
      );
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      forms.push({ form, authorization: request.headers.authorization });
      void Promise.resolve(onExchange?.(form) ?? answer).then(({ status, body }) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(body),
      );
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => issuerServer.once('listening', resolve));
  issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`;
  await parts.secret('CLIENT', 'client:secret');
  await parts.secret('SUBJECT', 'canary-subject');
  await parts.secret('STATIC', 'canary-static');
});
afterAll(async () => {
  for (const each of [server, stranger]) await each.stop();
  await new Promise((resolve) => issuerServer.close(resolve));
  await parts.stop();
});
afterEach(() => jest.restoreAllMocks());
beforeEach(() => {
  forms.length = 0;
  server.seen.length = 0;
  metadataIssuer = undefined;
  tokenEndpoint = undefined;
  plainMetadata = undefined;
  onExchange = undefined;
  server.onCall = () => ({ content: [] });
  server.refuses = undefined;
  answer = {
    status: 200,
    body: JSON.stringify({ access_token: 'issued-token', token_type: 'Bearer', expires_in: 3600 }),
  };
});

const register = (auth: object) =>
  parts.register(
    RegisterServer.parse({ name: `s${++n}`, transport: 'http', url: server.url, auth }),
  );
const oauth = (more: Partial<OutboundOAuth>) => ({
  type: 'client-credentials',
  clientId: 'aos',
  secret: 'CLIENT',
  ...more,
});
const call = () => parts.gateway.call(admin(), { server: `s${n}`, tool: 'a', args: {} });
const shown = () => [...new Set(server.seen.map(({ headers }) => headers.authorization))];

describe('signing in at a tool server', () => {
  it('by client credentials asks for one token, and shows that', async () => {
    await register(oauth({ issuer, clientId: 'aos:1', scope: 'tools', resource: server.url }));
    await call();
    await call();
    expect(shown()).toEqual(['Bearer issued-token']);
    expect(forms).toHaveLength(1);
    expect(Object.fromEntries(forms[0]!.form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'tools',
      resource: server.url,
    });
    const basic = Buffer.from(forms[0]!.authorization!.slice('Basic '.length), 'base64').toString();
    expect(basic).toBe('aos%3A1:client%3Asecret');
  });

  it('asks for another token where one is refused before its end, and not for each call', async () => {
    let issued = 0;
    onExchange = () => {
      const token = { access_token: `token-${++issued}`, token_type: 'Bearer', expires_in: 3600 };
      return Promise.resolve({ status: 200, body: JSON.stringify(token) });
    };
    let good = 1;
    server.refuses = ({ authorization }) => authorization !== `Bearer token-${good}`;
    await register(oauth({ issuer }));
    await call();
    expect(issued).toBe(1);
    good = 2; // the first one was taken back
    await call();
    expect([issued, shown()]).toEqual([2, ['Bearer token-1', 'Bearer token-2']]);
    good = NaN;
    const now = Math.ceil(performance.now());
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now); // after the second failure there is a pause
    for (let calls = 0; calls < 5; calls++) await expect(call()).rejects.toThrow('HTTP 401');
    expect(issued).toBe(4);
    clock.mockReturnValue(now + 60_000);
    good = 5;
    await call();
    expect(issued).toBe(5);
    await parts.remove.execute(new RemoveMcpServer(admin(), `s${n}`, undefined));
  });

  it('asks for no second token at once where the first one is refused', async () => {
    server.refuses = () => true;
    const { health } = await register(oauth({ issuer }));
    expect([health.state, forms.length]).toEqual(['unhealthy', 1]);
    await parts.remove.execute(new RemoveMcpServer(admin(), `s${n}`, undefined));
  });

  it.each(['a\nb: c', 'tök😀', ''])('takes %j for no token', async (token) => {
    answer.body = JSON.stringify({ access_token: token, token_type: 'Bearer' });
    const { health } = await register(oauth({ issuer }));
    expect(health.error).toContain('did not answer with a bearer token');
    await parts.remove.execute(new RemoveMcpServer(admin(), `s${n}`, undefined));
  });

  it('finds the endpoint also in the second document of the issuer', async () => {
    plainMetadata = { issuer };
    await register(oauth({ issuer }));
    await call();
    expect(shown()).toEqual(['Bearer issued-token']);
  });

  it('by an exchange hands the subject to the issuer, and never to the server', async () => {
    await register(
      oauth({
        type: 'token-exchange',
        tokenUrl: `${issuer}/token`,
        subjectSecret: 'SUBJECT',
        audience: 'up',
      }),
    );
    await call();
    expect(Object.fromEntries(forms[0]!.form)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'canary-subject',
      audience: 'up',
    });
    expect(JSON.stringify(server.seen)).not.toContain('canary-subject');
  });

  it('goes for the look whether it answers as well, over the connection that calls have', async () => {
    await register(oauth({ issuer }));
    server.seen.length = 0;
    let answered!: () => void;
    server.onCall = () => new Promise((done) => (answered = () => done({ content: [] })));
    const underWay = call();
    underWay.catch(() => undefined); // looked at below
    while (server.calls() === 0) await new Promise((turn) => setImmediate(turn));
    const probes = new HealthProbes(parts.database, parts.upstreams, parts.registry);
    await probes.look();
    expect(shown()).toEqual(['Bearer issued-token']);
    answered();
    await underWay;
    expect(server.seen.filter(({ method }) => method === 'initialize')).toHaveLength(1);
  });

  it.each([
    ['whose issuer has a slash more', () => (metadataIssuer = `${issuer}/`)],
    ['of another issuer', () => (metadataIssuer = 'https://evil.example')],
  ])('is refused by metadata %s', async (_, prepare) => {
    prepare();
    expect(await register(oauth({ issuer }))).toMatchObject({
      health: { state: 'unhealthy', error: expect.stringContaining('another issuer') },
    });
    expect(forms).toHaveLength(0);
  });

  it('says what came of asking the issuer, where neither document is to be had', async () => {
    const { health } = await register(oauth({ issuer: `${issuer}/elsewhere` }));
    expect(health).toMatchObject({
      state: 'unhealthy',
      error: expect.stringContaining('answered with 404'),
    });
    expect(forms).toEqual([]);
  });

  it('tells the code of a refusal, and not the words that a stranger put beside it', async () => {
    answer = {
      status: 400,
      body: JSON.stringify({ error: 'invalid_client', error_description: 'Open http://evil' }),
    };
    const { health } = await register(oauth({ issuer }));
    expect(health.error).toContain('invalid_client');
    expect(health.error).not.toContain('evil');
    // A code is a word, or it is words as well.
    for (const error of ['Open http://evil', 'evil_'.repeat(13), { evil: 1 }]) {
      answer.body = JSON.stringify({ error });
      const other = await register(oauth({ issuer }));
      expect(other.health.error).toContain('refused: 400');
      expect(other.health.error).not.toContain('evil');
    }
    answer.body = '<p>evil</p>';
    expect((await register(oauth({ issuer }))).health.error).toMatch(/refused: 400$/);
    answer.status = 200;
    expect((await register(oauth({ issuer }))).health.error).toMatch(/not .* a bearer token$/);
  });

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'http://a/$(calc) x',
    'http://169.254.169.254/token',
    'http://10.0.0.1/token',
    'http://8.8.8.8:5432/token',
    'http://user:pass@8.8.8.8/token',
  ])('asks no endpoint at %s that the metadata name, and audits it', async (endpoint) => {
    tokenEndpoint = endpoint;
    const { health } = await register(oauth({ issuer }));
    expect(health).toMatchObject({ state: 'unhealthy' });
    expect([forms, server.seen]).toEqual([[], []]);
    expect(
      await parts.database.query(
        `SELECT 1 FROM audit_logs WHERE outcome = 'denied' AND action = 'oauth.token' AND resource = $1`,
        [`mcp-server:s${n}`],
      ),
    ).not.toHaveLength(0);
  });

  it.each([
    ['of another kind', { access_token: 'issued-token', token_type: 'mac', expires_in: 60 }],
    ['that is none', { token_type: 'Bearer' }],
    ['that is over', { access_token: 'issued-token', token_type: 'Bearer', expires_in: 0 }],
    ['of no known time', { access_token: 'issued-token', token_type: 'Bearer', expires_in: 'x' }],
    ['without end', { access_token: 'x'.repeat(20_000), token_type: 'Bearer' }],
  ])('takes no token %s', async (_, body) => {
    answer = { status: 200, body: JSON.stringify(body) };
    const { health } = await register(oauth({ issuer }));
    expect(health).toMatchObject({
      state: 'unhealthy',
      error: expect.stringContaining('did not answer with a bearer token'),
    });
    expect(server.seen).toEqual([]);
  });

  it.each([
    'http://169.254.169.254/token',
    'http://127.0.0.1:5432/token',
    'http://[::ffff:10.0.0.1]/',
  ])('at %s is refused and audited', async (tokenUrl) => {
    await parts.configure({});
    await expect(register(oauth({ tokenUrl }))).rejects.toMatchObject({
      code: 'validation_failed',
    });
    await parts.configure({ httpAllowAddresses: ['127.0.0.1'] });
    expect(
      await parts.database.query(
        `SELECT 1 FROM audit_logs WHERE outcome = 'denied' AND resource = $1 AND diff->>'address' = $2`,
        [`mcp-server:s${n}`, tokenUrl],
      ),
    ).toHaveLength(1);
  });

  it.each(['javascript:alert(1)', 'file:///etc/passwd', 'http://a b/'])(
    'at %j is no address',
    (tokenUrl) => {
      const body = { name: 'x', transport: 'http', url: server.url, auth: oauth({ tokenUrl }) };
      expect(RegisterServer.safeParse(body).success).toBe(false);
    },
  );
});

describe('signing in as the caller', () => {
  const perCaller = (more: Partial<OutboundOAuth> = {}) =>
    oauth({ type: 'token-exchange', perCaller: true, issuer, ...more });
  const callAs = (by: Ctx) => parts.gateway.call(by, { server: `s${n}`, tool: 'a', args: {} });
  const ofCalls = () =>
    server.seen
      .filter(({ method }) => method === 'tools/call')
      .map(({ headers }) => headers.authorization);
  let refused = '';

  /** Trusts what is signed by the keys that AOS shows, for this server, and gives a token of its own for it. */
  beforeEach(() => {
    refused = '';
    onExchange = async (form) => {
      const keys = createLocalJWKSet(await parts.assertions.keys());
      const { payload } = await jwtVerify(form.get('subject_token')!, keys, {
        issuer: 'https://aos.example',
        audience: issuer,
        algorithms: ['EdDSA'],
        requiredClaims: ['sub', 'exp', 'jti'],
      });
      if (payload.sub === refused) return { status: 400, body: '{"error":"invalid_target"}' };
      const token = { access_token: `token-of-${payload.sub}`, token_type: 'Bearer' };
      return { status: 200, body: JSON.stringify({ ...token, expires_in: 3600 }) };
    };
  });

  it('exchanges what AOS says of them, once for each, and shows each its own', async () => {
    await register(perCaller({ audience: 'up' }));
    const [ada, bob] = [actor('operator'), actor('operator')];
    for (const by of [ada, bob, ada, bob]) await callAs(by);
    expect(ofCalls()).toEqual(
      [ada, bob, ada, bob].map(({ actor: { id } }) => `Bearer token-of-${id}`),
    );
    // One for each of them, and one with which AOS itself has read the tools.
    expect(forms).toHaveLength(3);
    expect(Object.fromEntries(forms.at(-1)!.form)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      audience: 'up',
    });
    expect(server.seen[0]!.headers.authorization).toBe('Bearer token-of-system');
  });

  it('is good for a minute, as the subject, and tells nothing that opens AOS', async () => {
    await register(perCaller());
    const by = actor('operator');
    await callAs(by);
    const assertion = forms.at(-1)!.form.get('subject_token')!;
    const { exp, iat, sub } = decodeJwt(assertion);
    expect([exp! - iat!, sub]).toEqual([60, by.actor.id]);
    const bearers = new BearerTokens(
      new SessionAuthenticator(parts.database, parts.wakeups),
      new Capabilities(parts.masterKey),
      parts.settings,
      parts.outside,
      parts.database,
      parts.wakeups,
    );
    expect(await bearers.verifyBearer(assertion)).toBeUndefined();
    bearers.onApplicationShutdown();
    expect(JSON.stringify(server.seen)).not.toContain(assertion);
  });

  it('that is refused to one of them is no trouble of the others, nor of the server', async () => {
    await register(perCaller());
    const [ada, mallory] = [actor('operator'), actor('operator')];
    refused = mallory.actor.id;
    await expect(callAs(mallory)).rejects.toMatchObject({
      code: 'server_unreachable',
      message: expect.stringContaining('invalid_target'),
    });
    await callAs(ada);
    expect(ofCalls()).toEqual([`Bearer token-of-${ada.actor.id}`]);
    expect(await parts.queries.server(`s${n}`)).toMatchObject({ health: { state: 'healthy' } });
  });

  it('is heard by nobody when the server tells what it was shown', async () => {
    await register(perCaller());
    server.onCall = () => ({
      content: [{ type: 'text', text: JSON.stringify(server.seen.at(-1)!.headers) }],
    });
    const result = await callAs(actor('operator'));
    expect(JSON.stringify(result)).toContain(`[secret token of s${n}]`);
    expect(JSON.stringify(result)).not.toContain('token-of-');
  });

  it('is kept until shortly before it ends', async () => {
    const tokens = new OutboundTokens(parts.outside, parts.assertions, new Redactor(), parts.audit);
    const auth = perCaller() as OutboundOAuth;
    const { actor: by } = actor('operator');
    const ask = () => tokens.tokenFor('x', auth, () => Promise.resolve('client:secret'), by);
    const clock = controlledClock();
    await ask();
    clock.pass(3_560_000);
    await ask();
    expect(forms).toHaveLength(1);
    clock.pass(20_000);
    await ask();
    expect(forms).toHaveLength(2);
    jest.restoreAllMocks();
  });

  describe('kept', () => {
    let redactor: Redactor;
    let tokens: OutboundTokens;
    const auth = perCaller() as OutboundOAuth;
    const reveal = () => Promise.resolve('client:secret');
    beforeEach(() => {
      redactor = new Redactor();
      tokens = new OutboundTokens(parts.outside, parts.assertions, redactor, parts.audit);
      let given = 0;
      onExchange = () => {
        const token = { access_token: `a-token-${++given}-of-many`, token_type: 'Bearer' };
        return Promise.resolve({ status: 200, body: JSON.stringify({ ...token, expires_in: 60 }) });
      };
    });
    afterEach(() => jest.restoreAllMocks());
    const of = (by: Ctx, server = 'x', more: Partial<OutboundOAuth> = {}) => {
      const asked = { ...auth, issuer: undefined, tokenUrl: `${issuer}/token`, ...more };
      return tokens.tokenFor(server, asked, reveal, by.actor);
    };

    it('is good for its server, as that is signed in to, and for its caller alone', async () => {
      const by = actor('operator');
      const first = await of(by);
      expect(await of(by)).toBe(first);
      const others = [
        await of(actor('operator')),
        await of(by, 'y'),
        await of(by, 'x', { scope: 's' }),
      ];
      expect(new Set([first, ...others]).size).toBe(4);
      expect(forms).toHaveLength(4);
    });

    it('is asked for once by those who come together', async () => {
      const by = actor('operator');
      const got = await Promise.all(Array.from({ length: 5 }, () => of(by)));
      expect([new Set(got).size, forms.length]).toEqual([1, 1]);
    });

    it('is hidden as long as it may be shown, and no longer', async () => {
      const clock = controlledClock();
      const [by, before] = [actor('operator'), actor('operator')];
      await of(before);
      const first = await of(by);
      expect(redactor.redact(first)).toBe('[secret token of x]');
      clock.pass(60_000);
      const second = await of(by);
      expect([redactor.redact(first), redactor.redact(second)]).toEqual([
        first,
        '[secret token of x]',
      ]);
    });

    it.each([
      ['for some seconds at least, however soon it is to end', { expires_in: 6 }, 5_000],
      ['for five minutes where nobody says how long it lasts', {}, 270_000],
    ])('is shown %s', async (_, more, shownMs) => {
      onExchange = () => {
        const token = { access_token: 'a-token-of-a-moment', token_type: 'Bearer', ...more };
        return Promise.resolve({ status: 200, body: JSON.stringify(token) });
      };
      const clock = frozenClock();
      const by = actor('operator');
      await of(by);
      clock.pass(shownMs - 1);
      await of(by);
      expect(forms).toHaveLength(1);
      clock.pass(1);
      await of(by);
      expect(forms).toHaveLength(2);
    });

    it('are the latest thousand', async () => {
      const first = actor('operator');
      const token = await of(first);
      for (let i = 0; i < 27; i++)
        await Promise.all(Array.from({ length: 37 }, () => of(actor('operator'))));
      expect(await of(first)).toBe(token);
      await of(actor('operator'));
      expect(await of(first)).not.toBe(token);
      expect(redactor.redact(token)).toBe(token);
    });
  });

  it('is not tried while nobody knows who AOS is', async () => {
    const nameless = { ...parts.environment, publicUrl: undefined };
    const assertions = new CallerAssertions(parts.masterKey, nameless);
    await expect(assertions.sign(actor('operator').actor, issuer)).rejects.toThrow(
      /AOS_PUBLIC_URL/,
    );
  });

  it.each<[string, Partial<OutboundOAuth>]>([
    ['with a subject besides', { subjectSecret: 'SUBJECT' }],
    ['by client credentials', { type: 'client-credentials' }],
  ])('%s is no way to sign in', (_, more) => {
    const body = { name: 'x', transport: 'http', url: server.url, auth: perCaller(more) };
    expect(RegisterServer.safeParse(body).success).toBe(false);
    const right = { ...body, auth: perCaller() };
    expect(RegisterServer.safeParse(right).success).toBe(true);
  });
});

describe('what a request carries', () => {
  it('is never the token that the caller has shown', async () => {
    await register({ secret: 'STATIC' });
    const by = actor('operator');
    by.actor.name = 'canary-of-the-client';
    server.onCall = () => ({
      content: [{ type: 'text', text: JSON.stringify(server.seen.at(-1)!.headers) }],
    });
    const result = await parts.gateway.call(by, { server: `s${n}`, tool: 'a', args: {} });
    expect(shown()).toEqual(['Bearer canary-static']);
    expect(JSON.stringify(server.seen)).not.toContain('canary-of-the-client');
    // The server told what it was shown; nobody else hears it.
    expect(JSON.stringify(result)).not.toContain('canary-static');
  });

  it('does not go to where the server sends it', async () => {
    await register({ secret: 'STATIC' });
    server.onCall = () => stranger.url;
    await expect(call()).rejects.toMatchObject({ code: 'server_unreachable' });
    expect(stranger.seen).toEqual([]);
  });
});
