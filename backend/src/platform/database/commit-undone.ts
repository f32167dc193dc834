/**
 * Postgres answered a COMMIT with a rollback, as it does when a statement of the transaction had failed: nothing was
 * written. `Database.transaction` does the work again. The cause is the failure, where it is known.
 */
export class CommitUndone extends Error {
  constructor(options: ErrorOptions) {
    const { cause } = options;
    super(`nothing was committed${cause instanceof Error ? `: ${cause.message}` : ''}`, options);
  }
}
