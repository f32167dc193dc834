import type { Backlog, Behind } from '../../platform/olap/backlog.js';
import type { Olap } from '../../platform/olap/olap.js';
import { Copy } from './copy.js';

const olap = { isUp: async () => true } as Olap;
const copyOf = (look: () => Promise<Behind[]>) => new Copy({ look } as Backlog, olap);

test('how far the copy is behind is said in seconds', async () => {
  const copy = copyOf(async () => [
    { source: 'logs', seconds: 12, lost: 0 },
    { source: 'spans', seconds: 301, lost: 7 },
  ]);
  expect(await copy.state()).toMatchObject({
    isGood: false,
    detail: expect.stringMatching(/has waited 301 s\..* 7 rows/),
  });
});

test('what the database does not say is not told as nothing', async () => {
  const copy = copyOf(() => Promise.reject(new Error('away')));
  const { detail, behind } = (await copy.state())!;
  expect(detail).toContain('is not known');
  expect(detail).not.toContain('0 s');
  expect(behind).toEqual([]);
});
