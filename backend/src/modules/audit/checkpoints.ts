import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { appendFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import type { AuditCheckpoint } from '@aos/contracts';
import type { Environment } from '../../platform/config/environment.js';
import { MasterKey } from '../../platform/config/master-key.js';
import { ENVIRONMENT } from '../../platform/platform.module.js';

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** The last so many are kept: each stands for all that is before it, older ones only narrow a fault down. */
const KEPT = 1000;

const inBase64 = (text: string) => Buffer.from(text).toString('base64url');

/**
 * How far the chain had come, signed, in a file of the data folder: outside the database, so that whoever can rewrite that
 * (the rows, their seals and every hash after them) cannot make it agree with what this file says. The key is derived
 * from the master key, which is in no database; its public half is told with every check.
 */
@Injectable()
export class Checkpoints {
  private readonly key;
  private readonly publicHalf;
  readonly publicKey: Record<string, string>;
  private readonly folder: string;
  private readonly path: string;
  /** Of the lines in the file, once it was read. */
  private count: number | undefined;

  constructor(masterKey: MasterKey, @Inject(ENVIRONMENT) environment: Environment) {
    const der = Buffer.concat([PKCS8_HEAD, masterKey.derive('audit-checkpoint')]);
    this.key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    this.publicHalf = createPublicKey(this.key);
    this.publicKey = this.publicHalf.export({ format: 'jwk' }) as Record<string, string>;
    this.folder = join(environment.dataDir, 'audit');
    this.path = join(this.folder, 'checkpoints.ndjson');
  }

  of(seq: number, hash: string, at = new Date().toISOString()): AuditCheckpoint {
    const said = `${inBase64(JSON.stringify({ alg: 'EdDSA' }))}.${inBase64(JSON.stringify({ seq, hash, at }))}`;
    return {
      seq,
      hash,
      at,
      jws: `${said}.${sign(null, Buffer.from(said), this.key).toString('base64url')}`,
    };
  }

  async write(checkpoint: AuditCheckpoint): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.count ??= (await this.lines()).length;
    await appendFile(this.path, `${JSON.stringify(checkpoint)}\n`, { mode: 0o600 });
    this.count++;
    if (this.count > 2 * KEPT) await this.forgetOld();
  }

  /** In the order of the chain; `foreign` is how many lines are none that this installation has signed. */
  async read(): Promise<{ own: AuditCheckpoint[]; foreign: number }> {
    const lines = await this.lines();
    const own = lines
      .flatMap((line) => this.parsed(line) ?? [])
      .sort((one, other) => one.seq - other.seq);
    return { own, foreign: lines.length - own.length };
  }

  private parsed(line: string): AuditCheckpoint | undefined {
    const jws = /"jws":"([\w-]+)\.([\w-]+)\.([\w-]+)"/.exec(line);
    if (!jws) return undefined;
    const [, head = '', body = '', signature = ''] = jws;
    const said = Buffer.from(`${head}.${body}`);
    if (!verify(null, said, this.publicHalf, Buffer.from(signature, 'base64url'))) return undefined;
    const { seq, hash, at } = JSON.parse(
      Buffer.from(body, 'base64url').toString(),
    ) as AuditCheckpoint;
    return { seq, hash, at, jws: `${head}.${body}.${signature}` };
  }

  private async lines(): Promise<string[]> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return text.split('\n').filter((line) => line !== '');
  }

  private async forgetOld(): Promise<void> {
    const kept = (await this.lines()).slice(-KEPT);
    const fresh = `${this.path}.new`;
    await writeFile(fresh, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    await rename(fresh, this.path);
    this.count = kept.length;
  }
}
