import { randomBytes, randomUUID } from 'node:crypto';
import { SignJWT, decodeJwt } from 'jose';
import { MasterKey } from '../../../platform/config/master-key.js';
import { Capabilities, requireReach } from './capability.js';

const master = new MasterKey(randomBytes(32));
const capabilities = new Capabilities(master);
const holder = {
  kind: 'user' as const,
  id: `user:${randomUUID()}`,
  name: 'Ada',
  userId: randomUUID(),
};
const issue = (overrides: object = {}) =>
  capabilities.issue({ holder, tools: ['env.files.*'], ttlSeconds: 60, ...overrides });

describe('a grant', () => {
  it('says whom it stands for, what it reaches, and until when', async () => {
    const run = { jobId: '7', traceId: 'ab', projectId: 'p' };
    const { token, id, expiresAt } = await issue({ run, limits: { maxCalls: 3 } });
    expect(capabilities.isGrant(token)).toBe(true);
    expect(await capabilities.verify(token)).toMatchObject({
      id,
      expiresAt,
      holder,
      run,
      tools: ['env.files.*'],
      limits: { maxCalls: 3 },
    });
  });

  it('lives an hour at most', async () => {
    const { expiresAt } = await issue({ ttlSeconds: 1e9 });
    expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(3_600_000);
  });

  it('is worth nothing once it has expired, also when that happens after it was looked at', async () => {
    const { token } = await issue({ ttlSeconds: -1 });
    await expect(capabilities.verify(token)).rejects.toMatchObject({ code: 'grant_invalid' });
    const grant = await capabilities.verify((await issue()).token);
    expect(() =>
      requireReach({ ...grant, expiresAt: new Date(Date.now() - 1) }, 'env', 'files.read'),
    ).toThrow(/expired/);
  });

  it('is worth nothing when another key signed it, or a bit was changed, or it is another kind of token', async () => {
    const { token } = await issue();
    const others = new Capabilities(new MasterKey(randomBytes(32)));
    await expect(others.verify(token)).rejects.toMatchObject({ code: 'grant_invalid' });
    const [head, body, signature] = token.split('.');
    const wider = Buffer.from(JSON.stringify({ ...decodeJwt(token), tools: ['*'] })).toString(
      'base64url',
    );
    await expect(capabilities.verify(`${head}.${wider}.${signature}`)).rejects.toMatchObject({
      code: 'grant_invalid',
    });
    const none = Buffer.from('{"alg":"none","typ":"aos-grant+jwt"}').toString('base64url');
    await expect(capabilities.verify(`${none}.${body}.`)).rejects.toMatchObject({
      code: 'grant_invalid',
    });
    const plain = await new SignJWT(decodeJwt(token))
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(master.derive('capability'));
    await expect(capabilities.verify(plain)).rejects.toMatchObject({ code: 'grant_invalid' });
    const elsewhere = await new SignJWT({ ...decodeJwt(token), aud: 'aos:elsewhere' })
      .setProtectedHeader({ alg: 'HS256', typ: 'aos-grant+jwt' })
      .sign(master.derive('capability'));
    await expect(capabilities.verify(elsewhere)).rejects.toMatchObject({ code: 'grant_invalid' });
    expect(capabilities.isGrant('aos_session_token')).toBe(false);
  });

  it.each([
    ['reaches', { tools: undefined }],
    ['hands on', { rights: ['tool.call', 'config.write'] }],
    ['stands for', { kind: 'owner' }],
    ['allows', { limits: { maxCalls: -1 } }],
    ['is called', { jti: 'x' }],
    ['ends', { exp: undefined }],
  ])(
    'that does not rightly say what it %s is worth nothing, whoever signed it',
    async (_, wrong) => {
      const { token } = await issue();
      const signed = await new SignJWT({ ...decodeJwt(token), ...wrong })
        .setProtectedHeader({ alg: 'HS256', typ: 'aos-grant+jwt' })
        .sign(master.derive('capability'));
      await expect(capabilities.verify(signed)).rejects.toMatchObject({ code: 'grant_invalid' });
    },
  );

  it('reaches its tools and no other, and says which scopes would', async () => {
    const grant = await capabilities.verify((await issue()).token);
    expect(() => requireReach(grant, 'env', 'files.read')).not.toThrow();
    expect(() => requireReach(grant, 'env', 'shell.exec')).toThrow(
      expect.objectContaining({
        code: 'insufficient_scope',
        scopes: ['tool.call:env.shell.exec', 'tool.call:env.*', 'tool.call'],
      }),
    );
  });
});
