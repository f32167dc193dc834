import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ProtectedResource, SystemConfig } from '@aos/contracts';
import { type GenerateKeyPairResult, SignJWT, exportJWK, generateKeyPair } from 'jose';
import { type McpApp, openMcpApp } from '../../../test/mcp-app.js';
import { Wakeups } from '../../platform/outbox/wakeups.js';

const AUDIENCE = 'https://tools.example/mcp';
const PUBLIC = 'https://aos.example';
let app: McpApp;
let keys: GenerateKeyPairResult;
let issuerServer: Server;
let issuer: string;
beforeAll(async () => {
  keys = await generateKeyPair('RS256', { extractable: true });
  const jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'RS256' }] };
  issuerServer = createServer((_, response) => response.end(JSON.stringify(jwks)));
  issuerServer.listen(0, '127.0.0.1');
  await new Promise((resolve) => issuerServer.once('listening', resolve));
  issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`;
  app = await openMcpApp({ environment: { publicUrl: PUBLIC } });
});
afterAll(async () => {
  await app.close();
  await new Promise((resolve) => issuerServer.close(resolve));
});

async function configure(gateway: object): Promise<void> {
  await app.database.query(
    `INSERT INTO config_versions (scope, version, config, created_by)
     SELECT 'system', max(version) + 1, $1, 'test' FROM config_versions WHERE scope = 'system'`,
    [JSON.stringify(SystemConfig.parse({ gateway }))],
  );
  app.app.get(Wakeups, { strict: false }).wake('control');
}
const trusting = () => ({
  inbound: { issuer, audience: AUDIENCE, jwksUri: `${issuer}/keys` },
  httpAllowAddresses: ['127.0.0.1'],
});
const places = ['', '/mcp'].map((end) => `/.well-known/oauth-protected-resource${end}`);
const list = (headers: Record<string, string>, path = '/mcp') =>
  app.call<{ result?: { tools: unknown[] } }>(path, {
    method: 'POST',
    headers: {
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
      ...headers,
    },
    body: {
      ...{ jsonrpc: '2.0', id: 1, method: 'tools/list' },
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    },
  });

describe('who signs tokens for the endpoint', () => {
  it('is nobody while none is configured, and the endpoint goes by its public name', async () => {
    await configure({});
    for (const place of places)
      expect((await app.call<ProtectedResource>(place)).body).toEqual({
        resource: `${PUBLIC}/mcp`,
        resource_name: 'AOS',
        scopes_supported: ['tool.read', 'tool.call'],
        bearer_methods_supported: ['header'],
      });
  });

  it('is the issuer of the settings, for the audience that is named there', async () => {
    await configure(trusting());
    for (const place of places)
      expect((await app.call<ProtectedResource>(place)).body).toMatchObject({
        resource: AUDIENCE,
        authorization_servers: [issuer],
      });
  });
});

describe('a refusal', () => {
  const metadata = `resource_metadata="${PUBLIC}${places[1]}"`;

  it('says where to learn how to sign in, under the public name, and is not kept', async () => {
    const { status, headers } = await list({});
    expect(status).toBe(401);
    const challenge = headers.get('www-authenticate')!;
    expect(challenge).toContain(metadata);
    expect(challenge).not.toContain('error=');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('says so where a token was shown that is none', async () => {
    const { status, headers } = await list({ authorization: 'Bearer nonsense' });
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="aos", error="invalid_token"/);
  });
});

describe('a token of the issuer', () => {
  const token = (scope: string) =>
    new SignJWT({ scope })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(AUDIENCE)
      .setSubject('somebody')
      .setExpirationTime('1m')
      .sign(keys.privateKey);
  beforeAll(() => configure(trusting()));

  it('opens the endpoint, and no other route', async () => {
    const headers = { authorization: `Bearer ${await token('tool.call tool.read')}` };
    expect((await list(headers)).body.result?.tools).toEqual(expect.any(Array));
    for (const path of ['/auth/me', '/auth/tokens', '/mcp/tools', '/mcp/registry'])
      expect([path, (await app.call(path, { headers })).status]).toEqual([path, 401]);
    const body = { server: 'x', tool: 'y', args: {} };
    expect((await app.call('/mcp/call', { method: 'POST', headers, body })).status).toBe(401);
  });

  it('is shown in a header, and nowhere else', async () => {
    const shown = await token('tool.call tool.read');
    expect((await list({}, `/mcp?access_token=${shown}`)).status).toBe(401);
    expect((await list({ cookie: `aos_session=${shown}` })).status).toBe(401);
  });

  it('without a scope for tools opens nothing there either', async () => {
    const { status, headers } = await list({
      authorization: `Bearer ${await token('config.write openid')}`,
    });
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toMatch(
      /error="insufficient_scope".*scope="tool.read tool.call"/,
    );
  });
});
