import { Logger } from '@nestjs/common';
import { files } from './builtin/env/files.js';
import { env } from './builtin/env/index.js';
import { admin, startGateway } from './testing.js';
import { Workspace } from './workspace.js';

it('gives the answer of a tool also when the folder of the call cannot be removed, and logs that', async () => {
  const parts = await startGateway({ env: { description: 'files', tools: files } });
  const release = jest.spyOn(Workspace.prototype, 'release');
  release.mockRejectedValueOnce(Object.assign(new Error('not permitted'), { code: 'EPERM' }));
  const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
  const args = { path: 'a.txt', content: 'a' };
  const result = await parts.gateway.call(admin(), { server: 'env', tool: 'files.write', args });
  expect(result).toMatchObject({ isError: false, structuredContent: { path: 'a.txt', bytes: 1 } });
  expect(logged.mock.calls).toMatchObject([[{ err: { code: 'EPERM' } }]]);
  jest.restoreAllMocks();
  await parts.stop();
});

it('lets http.fetch reach what the settings allow, from the moment on in which they do', async () => {
  const parts = await startGateway({ env: { description: 'http', tools: env } });
  const codeOf = async () => {
    const args = { url: 'http://127.99.98.97:8443/' }; // nobody is there
    return (await parts.gateway.call(admin(), { server: 'env', tool: 'http.fetch', args })).said
      ?.code;
  };
  expect(await codeOf()).toBe('address-private');
  await parts.configure({ httpAllowAddresses: ['127.99.98.0/24'] });
  expect(await codeOf()).toBe('http-failed');
  await parts.configure({ httpAllowAddresses: [] });
  expect(await codeOf()).toBe('address-private');
  await parts.stop();
});
