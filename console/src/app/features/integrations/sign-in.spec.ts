import type { McpServerInfo } from '@aos/contracts';
import {
  limitFaults,
  limitsOf,
  noLimits,
  noSignIn,
  signInFaults,
  signInOf,
  toAuth,
  toLimits,
} from './sign-in';

describe('a sign-in', () => {
  it('is read from a server and written back as it was', () => {
    const oauth = {
      type: 'token-exchange' as const,
      clientId: 'aos',
      secret: 'CLIENT',
      subjectSecret: 'SUBJECT',
      issuer: 'https://id.test',
      scope: 'tools',
    };
    const server = { oauth, authSecret: 'CLIENT' } as McpServerInfo;
    expect(toAuth(signInOf(server))).toEqual(oauth);
    expect(toAuth(signInOf({ oauth: null, authSecret: 'KEY' } as McpServerInfo))).toEqual({
      secret: 'KEY',
    });
    expect(toAuth(signInOf({ oauth: null, authSecret: null } as McpServerInfo))).toBeNull();
  });

  it('exchanges what AOS says of each caller, and wants no secret for that', () => {
    const oauth = {
      type: 'token-exchange' as const,
      clientId: 'aos',
      secret: 'CLIENT',
      perCaller: true as const,
      tokenUrl: 'https://id.test/token',
    };
    const typed = signInOf({ oauth, authSecret: 'CLIENT' } as McpServerInfo);
    expect(toAuth({ ...typed, subjectSecret: 'LEFT_OVER' })).toEqual(oauth);
    expect(signInFaults(typed)).toEqual({});
    expect(toAuth({ ...typed, subject: 'secret', subjectSecret: 'S' })).not.toHaveProperty(
      'perCaller',
    );
  });

  it('brings nothing along that belongs to another kind', () => {
    const typed = { ...noSignIn, secret: 'S', clientId: 'aos', subjectSecret: 'X' };
    const auth = toAuth({
      ...typed,
      kind: 'client-credentials',
      endpoint: 'tokenUrl',
      address: 'https://id.test/token',
    });
    expect(auth).toEqual({
      type: 'client-credentials',
      clientId: 'aos',
      secret: 'S',
      tokenUrl: 'https://id.test/token',
    });
  });

  it.each([
    ['secret' as const, {}, ['secret']],
    ['client-credentials' as const, { secret: 'S' }, ['clientId', 'address']],
    [
      'token-exchange' as const,
      { secret: 'S', clientId: 'a', address: 'https://x.test' },
      ['subjectSecret'],
    ],
    ['none' as const, {}, []],
  ])('of kind %s with %j lacks %j', (kind, more, fields) => {
    expect(Object.keys(signInFaults({ ...noSignIn, ...more, kind }))).toEqual(fields);
  });
});

it('limits are whole numbers, or as the gateway says', () => {
  expect(toLimits({ ...noLimits, perMinute: ' 30 ' })).toEqual({ perMinute: 30 });
  expect(limitsOf({ perDay: 5, perMinute: null })).toEqual({ ...noLimits, perDay: '5' });
  expect(
    limitFaults({ perMinute: '0', perDay: '1.5', toolPerMinute: 'x', concurrent: '10001' }),
  ).toEqual(['perMinute', 'perDay', 'toolPerMinute', 'concurrent']);
  expect(limitFaults({ ...noLimits, concurrent: '10' })).toEqual([]);
});
