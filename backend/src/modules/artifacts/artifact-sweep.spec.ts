import { existsSync } from 'node:fs';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { type HttpApp, openHttpApp } from '../../../test/http-app.js';
import { systemPrincipal } from '../../platform/http/context.js';
import { ArtifactSweep } from './artifact-sweep.js';
import { ArtifactStore, ArtifactsModule } from './index.js';

let http: HttpApp;
let store: ArtifactStore;
let sweep: ArtifactSweep;
beforeEach(async () => {
  http = await openHttpApp({ imports: [ArtifactsModule] });
  [store, sweep] = [http.app.get(ArtifactStore), http.app.get(ArtifactSweep)];
});
afterEach(async () => {
  jest.restoreAllMocks();
  await http.close();
});

const HOUR_MS = 3600_000;
const file = { name: 'a.txt', mediaType: 'text/plain', data: 'a' };
async function age(path: string, hours = 25): Promise<string> {
  const at = new Date(Date.now() - hours * HOUR_MS);
  await utimes(path, at, at);
  return path;
}
/** As a crash between the file and its row leaves it. */
const orphan = async (hours?: number) => age((await store.stage(file)).path, hours);
async function artifact(): Promise<string> {
  const ctx = { actor: systemPrincipal, traceId: 'a'.repeat(32), ip: null };
  const staged = await store.stage(file);
  await store.keep(ctx, staged, {});
  return age(staged.path);
}
const are = (paths: readonly string[]) => paths.map((path) => existsSync(path));

it('removes what a crash left behind, whole and half, and nothing else', async () => {
  const kept = [await artifact(), await artifact(), await artifact(), await orphan(23)];
  const lost = [await orphan(), await orphan()];
  const half = await age(`${(await store.stage(file)).path}`);
  await writeFile(`${half}.part`, 'half');
  lost.push(half, await age(`${half}.part`));
  const young = `${kept[0]!}.part`;
  await writeFile(young, 'being written');
  kept.push(young, join(http.environment.dataDir, 'artifacts', 'notes.txt'), `${kept[1]!}.bak`);
  await Promise.all(kept.slice(-2).map(async (path) => writeFile(path, '').then(() => age(path))));
  expect(await sweep.sweep()).toBe(4);
  expect(are(kept)).toEqual(kept.map(() => true));
  expect(are(lost)).toEqual(lost.map(() => false));
  expect(await sweep.sweep()).toBe(0);
});

it('leaves the files alone that another database knows, and says so', async () => {
  const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
  const kept = [await artifact(), await orphan(), await orphan()];
  await writeFile(`${kept[1]!}.part`, 'half');
  const half = await age(`${kept[1]!}.part`);
  expect(await sweep.sweep()).toBe(1);
  expect(are([...kept, half])).toEqual([true, true, true, false]);
  expect(warned).toHaveBeenCalledWith(expect.objectContaining({ known: 1, unknown: 2 }));
});

it('is done at the start, and not waited for at the end', async () => {
  await Promise.all([artifact(), artifact()]);
  const lost = await orphan();
  sweep.onApplicationBootstrap();
  while (existsSync(lost)) await new Promise((turn) => setImmediate(turn));
  await sweep.onModuleDestroy();
  const later = await orphan();
  expect(await sweep.sweep()).toBe(0);
  expect(existsSync(later)).toBe(true);
});

it('takes a folder that is not there for an empty one, and any other fault for one', async () => {
  expect(await sweep.sweep()).toBe(0);
  await writeFile(join(http.environment.dataDir, 'artifacts'), 'no folder');
  await expect(sweep.sweep()).rejects.toThrow('ENOTDIR');
});
