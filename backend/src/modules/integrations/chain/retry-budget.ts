const PER_CALL = 0.1;
const MOST = 10;

/**
 * How many retries one server may be given: a tenth of the calls that went well, and one to begin with. When a
 * server is down there is nothing to be earned, so retries cannot multiply the calls that pile up before it.
 */
export class RetryBudget {
  private readonly left = new Map<string, number>();

  earn(server: string): void {
    this.left.set(server, Math.min(MOST, (this.left.get(server) ?? 1) + PER_CALL));
  }

  spend(server: string): boolean {
    const left = this.left.get(server) ?? 1;
    if (left < 1) return false;
    this.left.set(server, left - 1);
    return true;
  }
}
