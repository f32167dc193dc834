import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  linkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Environment, StartRefused } from './environment.js';

const KEY_BYTES = 32;

/**
 * The key that everything encrypted here hangs on: AOS_MASTER_KEY, or a file of the data folder that is
 * made at the first start and that only its owner may read. It never leaves this object: who needs a key
 * asks for one derived for a purpose, so that no two uses share one.
 */
export class MasterKey {
  /** Says which master key a value was wrapped under, without telling anything of it. */
  readonly id: string;

  constructor(private readonly key: Buffer) {
    if (key.length !== KEY_BYTES) throw new Error('the master key has the wrong length');
    this.id = createHash('sha256')
      .update('aos master key id')
      .update(key)
      .digest('hex')
      .slice(0, 16);
  }

  /** @throws StartRefused with one line that says what is wrong with the key and what to do. */
  static load(environment: Pick<Environment, 'masterKey' | 'dataDir'>): MasterKey {
    if (environment.masterKey) return new MasterKey(environment.masterKey);
    const path = join(environment.dataDir, 'master.key');
    const text = readKeyFile(path) ?? makeKeyFile(environment.dataDir, path);
    const key = Buffer.from(text.trim(), 'base64');
    if (key.length !== KEY_BYTES || key.toString('base64') !== text.trim())
      throw new StartRefused(
        `${path} holds ${key.length} bytes; a master key has ${KEY_BYTES}, in base64. Put the right file back (secrets cannot be read without it), or set AOS_MASTER_KEY.`,
      );
    return new MasterKey(key);
  }

  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.key, Buffer.alloc(0), `aos:${purpose}`, KEY_BYTES));
  }
}

function readKeyFile(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    chmodSync(path, 0o600); // a restored backup may have opened it
    return text;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new StartRefused(
      `${path} cannot be read (${code}). Give it to the user that AOS runs as.`,
      {
        cause: error,
      },
    );
  }
}

/** Written whole under another name and then linked: of two processes one wins, and both read the winner's. */
function makeKeyFile(folder: string, path: string): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const half = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(half, `${randomBytes(KEY_BYTES).toString('base64')}\n`, {
    mode: 0o600,
    flush: true,
  });
  try {
    linkSync(half, path);
    unlinkSync(half);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') unlinkSync(half);
    else renameSync(half, path); // a file system without hard links
  }
  return readFileSync(path, 'utf8');
}
