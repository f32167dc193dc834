import type { LaunchTemplate } from '@aos/contracts';
import { draftFaults, freshDraft, toRegistration } from './registration';
import { noLimits, noSignIn } from './sign-in';

const memory: LaunchTemplate = {
  id: 'memory',
  kind: 'installed',
  title: 'memory',
  description: '',
  command: 'node',
  args: ['memory.js'],
};
const anyPackage: LaunchTemplate = { ...memory, kind: 'package', command: 'npx', args: ['-y'] };

describe('a registration', () => {
  it('is made from a template, with a further argument on each line', () => {
    const draft = { ...freshDraft, name: 'notes', args: '/a b\n\n  --flag  ' };
    expect(toRegistration(draft, memory)).toEqual({
      name: 'notes',
      transport: 'stdio',
      command: 'node',
      args: ['memory.js', '/a b', '--flag'],
    });
  });

  it('names the package before the arguments that are for it', () => {
    const draft = { ...freshDraft, name: 'x', packageName: '@scope/server', args: '--port\n1' };
    expect(toRegistration(draft, anyPackage).args).toEqual(['-y', '@scope/server', '--port', '1']);
  });

  it('over HTTP brings no command along, and seconds as milliseconds', () => {
    const draft = {
      ...freshDraft,
      name: 'web',
      transport: 'http' as const,
      url: ' https://example.com/mcp ',
      packageName: 'left-over',
      timeoutSeconds: '1.5',
      signIn: { ...noSignIn, kind: 'secret' as const, secret: 'TOKEN' },
      limits: { ...noLimits, perMinute: '60' },
    };
    expect(toRegistration(draft, undefined)).toEqual({
      name: 'web',
      transport: 'http',
      url: 'https://example.com/mcp',
      timeoutMs: 1500,
      auth: { secret: 'TOKEN' },
      limits: { perMinute: 60 },
    });
  });

  it.each([
    ['no name', { name: '' }, memory, 'name'],
    ['a name kept for agents', { name: 'agent-x' }, memory, 'name'],
    ['no command', { name: 'a' }, undefined, 'templateId'],
    ['a path for a package', { name: 'a', packageName: '../x' }, anyPackage, 'packageName'],
    ['no address', { name: 'a', transport: 'http' as const, url: 'ftp://x' }, undefined, 'url'],
    [
      'a sign-in that is not whole',
      { name: 'a', signIn: { ...noSignIn, kind: 'secret' as const } },
      memory,
      'signIn',
    ],
    ['an odd limit', { name: 'a', limits: { ...noLimits, perDay: 'x' } }, memory, 'limits'],
    ['an endless call', { name: 'a', timeoutSeconds: '601' }, memory, 'timeoutSeconds'],
  ])('is not sent with %s', (_, more, template, field) => {
    expect(Object.keys(draftFaults({ ...freshDraft, ...more }, template))).toEqual([field]);
  });
});
