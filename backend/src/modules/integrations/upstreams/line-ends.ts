const [LF, CR] = [10, 13];

/**
 * Lines of a stream of events end with CR, LF or both; here each with LF, at once. Who reads CR alone as the end of a line
 * has to wait for what comes behind it, in case that is the other half: for the last event before an answer to it, or
 * before the end of the stream, that is for ever.
 */
export class LineEnds {
  private wasCr = false;

  unified<T extends Uint8Array<ArrayBufferLike>>(chunk: T): T {
    if (chunk.length === 0 || (!this.wasCr && !chunk.includes(CR))) return chunk;
    const unified = chunk.slice() as T;
    let length = 0;
    for (const byte of chunk) {
      const isOtherHalf = byte === LF && this.wasCr;
      this.wasCr = byte === CR;
      if (!isOtherHalf) unified[length++] = this.wasCr ? LF : byte;
    }
    return unified.subarray(0, length) as T;
  }
}
