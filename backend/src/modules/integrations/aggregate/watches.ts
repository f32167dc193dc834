import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';

type Unwatch = () => void;

const MOST = 200;

/**
 * The resources that one session is told of: each is watched at its server once, however often and however closely one
 * upon the other the client asks for it, and no more once the client wants none or its session is over, even where the
 * server had not yet answered by then.
 */
export class Watches {
  private readonly begun = new Map<string, Promise<Unwatch>>();

  has(uri: string): boolean {
    return this.begun.has(uri);
  }

  /** Resolves when the server has taken it. @throws what `begin` throws; ProtocolError when there are too many. */
  async add(uri: string, begin: () => Promise<Unwatch>): Promise<void> {
    const known = this.begun.get(uri);
    if (known) return void (await known);
    if (this.begun.size >= MOST)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `At most ${MOST} resources can be subscribed to.`,
      );
    const beginning = begin();
    this.begun.set(uri, beginning);
    try {
      await beginning;
    } catch (error) {
      if (this.begun.get(uri) === beginning) this.begun.delete(uri);
      throw error;
    }
  }

  remove(uri: string): void {
    const beginning = this.begun.get(uri);
    this.begun.delete(uri);
    beginning?.then(
      (unwatch) => unwatch(),
      () => undefined, // whoever began it was told
    );
  }

  end(): void {
    for (const uri of this.begun.keys()) this.remove(uri);
  }
}
