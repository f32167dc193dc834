import type pg from 'pg';

/**
 * Keeps the loss of a connection from ending the process. A client whose server goes away says so twice: the
 * statement under way fails, and the client itself emits an error, which ends the process when nobody listens.
 * The pool listens on clients that are idle, TypeORM on those that it holds; nobody on those that are borrowed
 * for one statement, or by the checkpointer. The failed statement says all there is to know; the pool takes
 * no broken client back.
 */
export function outliveLoss(pool: pg.Pool, tellIdle: (error: Error) => void = () => undefined) {
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', tellIdle);
}
