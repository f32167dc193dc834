import { Logger } from '@nestjs/common';
import { files } from './builtin/env/files.js';
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
