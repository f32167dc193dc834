// An OpenID Connect provider for tests: oidc-provider, with people who are signed in without being asked. What it gives out
// can be bent (`bend`), to show what of it is looked at.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

export const clientId = 'aos';
export const clientSecret = 'of-the-test-provider-alone';

/** @param {{ redirectUris: string[], port?: number }} options */
export async function openTestProvider({ redirectUris, port = 0 }) {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const keys = [await newKey('one')];
  const state = {
    issuer,
    /** Who comes to it: `sub` and what is said of them. */
    person: { sub: 'ada', email: 'ada@example.test', email_verified: true, name: 'Ada' },
    /** Of an ID token before it is signed; `key` signs it in place of the provider's own. */
    bend: undefined,
    /** Of any answer: a status and a body in place of it, or `hang`. */
    instead: undefined,
    /** What is added to or taken from the way back, as `{ iss: 'https://evil.example' }`; null takes away. */
    wayBack: undefined,
    async rotate() {
      keys.unshift(await newKey(`key-${keys.length + 1}`));
      keys.length = 1;
      mount();
    },
    newKey,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  let handler;
  const mount = () => {
    const provider = new Provider(issuer, {
      clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
      adapter: Remembered,
      jwks: { keys: keys.map(({ jwk }) => jwk) },
      cookies: { keys: ['test'] },
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['name', 'groups'],
      },
      conformIdTokenClaims: false,
      features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
      interactions: { url: (_ctx, { uid }) => `/let-in/${uid}` },
      findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...state.person, sub }) }),
      async loadExistingGrant({ oidc }) {
        const grant = new oidc.provider.Grant({
          clientId: oidc.client.clientId,
          accountId: oidc.session.accountId,
        });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
      ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
    });
    provider.use(async (ctx, next) => {
      if (ctx.path.startsWith('/let-in/')) {
        const login = { accountId: state.person.sub, remember: false };
        return provider.interactionFinished(ctx.req, ctx.res, { login });
      }
      await next();
      await bend(ctx, state, keys[0]);
    });
    handler = provider.callback();
  };
  mount();
  server.on('request', (request, response) => {
    const instead = state.instead?.(request);
    if (instead === 'hang') return;
    if (!instead) return handler(request, response);
    response.writeHead(instead.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(instead.body));
  });
  return state;
}

/** What oidc-provider keeps, as long as this process runs; its own says with every start that it is not for production. */
class Remembered {
  static all = new Map();
  constructor(kind) {
    this.kind = kind;
  }
  at = (id) => `${this.kind}:${id}`;
  upsert = async (id, payload) => void Remembered.all.set(this.at(id), payload);
  find = async (id) => Remembered.all.get(this.at(id));
  findByUid = async (uid) => [...Remembered.all.values()].find((each) => each.uid === uid);
  findByUserCode = async () => undefined;
  destroy = async (id) => void Remembered.all.delete(this.at(id));
  async consume(id) {
    Remembered.all.get(this.at(id)).consumed = Math.floor(Date.now() / 1000);
  }
  async revokeByGrantId(grantId) {
    for (const [key, { grantId: of }] of Remembered.all)
      if (of === grantId) Remembered.all.delete(key);
  }
}

async function newKey(kid) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' } };
}

async function bend(ctx, { bend: how, wayBack }, own) {
  if (how && ctx.path === '/token' && ctx.body?.id_token) {
    const payload = JSON.parse(
      Buffer.from(ctx.body.id_token.split('.')[1], 'base64url').toString(),
    );
    const { key = own, ...bent } = await how(payload);
    ctx.body = {
      ...ctx.body,
      id_token: await new SignJWT({ ...payload, ...bent })
        .setProtectedHeader({ alg: 'RS256', kid: own.jwk.kid })
        .sign(key.privateKey),
    };
  }
  const to = ctx.response.get('location');
  if (!wayBack || !/[?&](code|error)=/.test(to)) return;
  const url = new URL(to);
  for (const [name, value] of Object.entries(wayBack))
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  ctx.response.set('location', url.href);
}
