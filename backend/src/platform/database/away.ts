/**
 * Whether the database could not be asked: not there, busy beyond its time, shutting down, or cut off in the middle.
 * Postgres, its driver and the pool each say it in their own way.
 * Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function isDatabaseAway(thrown: unknown): boolean {
  const driver = (thrown as { driverError?: unknown } | undefined)?.driverError ?? thrown;
  const { code = '', message = '' } = (driver ?? {}) as { code?: unknown; message?: string };
  if (typeof code !== 'string') return false;
  return (
    /^(08|53|57P0)/.test(code) ||
    ['57014', '55P03', '25P03', '40001', '40P01'].includes(code) ||
    ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN'].includes(code) ||
    /timeout exceeded when trying to connect|Connection terminated|pool after calling end|Client has encountered a connection error|PGlite is closed|Query runner already released/i.test(
      message,
    )
  );
}

/** A failure for the log: in a line while the database is away, as that is said again and again; else with its stack. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isDatabaseAway(error) ? error.message : (error.stack ?? error.message);
}
