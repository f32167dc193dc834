import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 1;
const [SENDER, NONCE, TAG] = [16, 12, 16];
const HEAD = 1 + SENDER + NONCE + TAG;
/** Of senders whose key is kept: each start of a process is one. */
const MOST_SENDERS = 1000;

/**
 * AES-256-GCM under a key for each sender, derived from the installation's key and the sender's random name, so that a
 * counter will do as nonce and none is ever used twice.
 *
 *     version 1 | sender 16 | nonce 12 | tag 16 | sealed text
 *
 * A message that was said before opens again: what is in it has to be true for ever or do no harm (see Numbered.epoch).
 */
export class SealedMessages {
  private readonly me = randomBytes(SENDER);
  private count = 0n;
  private readonly keys = new Map<string, Buffer>();

  constructor(private readonly key: Buffer) {}

  seal(text: string): Buffer {
    const nonce = Buffer.alloc(NONCE);
    nonce.writeBigUInt64BE(this.count++, NONCE - 8);
    const cipher = createCipheriv('aes-256-gcm', this.keyOf(this.me), nonce);
    const head = Buffer.from([VERSION]);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([head, this.me, nonce, cipher.getAuthTag(), sealed]);
  }

  /** 'mine' for what this process has said itself; undefined when it is none of ours. */
  open(message: Uint8Array): string | 'mine' | undefined {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    if (bytes.length < HEAD || bytes[0] !== VERSION) return undefined;
    const sender = bytes.subarray(1, 1 + SENDER);
    if (sender.equals(this.me)) return 'mine';
    const nonce = bytes.subarray(1 + SENDER, 1 + SENDER + NONCE);
    const opener = createDecipheriv('aes-256-gcm', this.keyOf(sender), nonce, {
      authTagLength: TAG,
    });
    opener.setAuthTag(bytes.subarray(HEAD - TAG, HEAD));
    try {
      return Buffer.concat([opener.update(bytes.subarray(HEAD)), opener.final()]).toString('utf8');
    } catch {
      return undefined; // GCM tells nothing more: it was not sealed with this key
    }
  }

  private keyOf(sender: Buffer): Buffer {
    const name = sender.toString('hex');
    const known = this.keys.get(name);
    if (known) return known;
    if (this.keys.size >= MOST_SENDERS) this.keys.clear();
    const key = Buffer.from(hkdfSync('sha256', this.key, sender, 'aos:bus-sender', 32));
    this.keys.set(name, key);
    return key;
  }
}
