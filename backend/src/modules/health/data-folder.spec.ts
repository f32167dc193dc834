import fs from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '../../../test/temporary-folder.js';
import { DataFolder } from './data-folder.js';

let dataDir: string;
let folder: DataFolder;
let now: number;
beforeEach(async () => {
  dataDir = join(await temporaryFolder(), 'data');
  await fs.mkdir(dataDir);
  folder = new DataFolder({ dataDir });
  now = 1_000_000; // whole: what is added to a fraction may come out a trifle short of ten seconds
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

it('has no fault where it can be written, and nothing is left of the look', async () => {
  expect(await folder.fault()).toBeUndefined();
  expect(await fs.readdir(dataDir)).toEqual([]);
});

it('is looked at every ten seconds at most, once for all who ask at the same time', async () => {
  const opens = jest.spyOn(fs, 'open');
  await Promise.all(Array.from({ length: 50 }, () => folder.fault()));
  now += 9_999;
  await folder.fault();
  expect(opens).toHaveBeenCalledTimes(1);
  now += 1;
  await folder.fault();
  expect(opens).toHaveBeenCalledTimes(2);
});

it('is missed when it is gone, or is a file, and found again when it is back', async () => {
  await fs.rm(dataDir, { recursive: true });
  expect(await folder.fault()).toBe('The data folder is not there.');
  await fs.writeFile(dataDir, '');
  now += 10_000;
  expect(await folder.fault()).toBe('The data folder is not there.');
  await fs.rm(dataDir);
  await fs.mkdir(dataDir);
  now += 10_000;
  expect(await folder.fault()).toBeUndefined();
});

it.each([
  ['ENOSPC', 'The disk of the data folder is full.'],
  ['EROFS', 'The data folder is on a disk that can only be read.'],
  ['EIO', 'The data folder cannot be written (EIO).'],
])('says of %s what it means, and leaves nothing behind', async (code, said) => {
  const { open } = fs;
  const closed: Promise<void>[] = [];
  jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const file = await open(...args);
    const close = file.close.bind(file);
    file.writeFile = () => Promise.reject(Object.assign(new Error('no'), { code }));
    file.close = () => closed[closed.push(close()) - 1]!;
    return file;
  });
  expect(await folder.fault()).toBe(said);
  expect(closed).toHaveLength(1);
  expect(await fs.readdir(dataDir)).toEqual([]);
});

it('is waited for two seconds and no longer, and a disk that hangs is asked once', async () => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  const opens = jest.spyOn(fs, 'open').mockReturnValue(new Promise(() => undefined));
  try {
    for (let i = 0; i < 2; i++) {
      const told = folder.fault();
      await jest.advanceTimersByTimeAsync(2_000);
      expect(await told).toBe('The disk of the data folder has not answered in 2 s.');
      now += 60_000;
    }
    expect(opens).toHaveBeenCalledTimes(1);
  } finally {
    jest.useRealTimers();
  }
});
