import type pg from 'pg';
import type { EntityManager, QueryRunner } from 'typeorm';
import { slowStatementsOf } from './slow-statements.js';

/** A transaction as handlers pass it on: visible in every signature, never hidden per request. */
export type Tx = EntityManager;

export interface SqlResult<T> {
  rows: T[];
  /** Rows written by INSERT, UPDATE or DELETE; rows read by SELECT. */
  count: number;
}

/**
 * One statement inside a transaction. TypeORM's own `query` answers in three shapes depending on the
 * verb; this always answers rows and a count.
 */
export async function sql<T = Record<string, unknown>>(
  tx: Tx | QueryRunner,
  text: string,
  params: unknown[] = [],
): Promise<SqlResult<T>> {
  const runner = 'queryRunner' in tx ? tx.queryRunner : (tx as QueryRunner);
  if (!runner)
    throw new Error('sql() needs a transaction: call it with the tx of Database.transaction()');
  const asked = () => runner.query(text, params, true);
  const result = await (slowStatementsOf.get(runner.dataSource)?.watch(text, asked) ?? asked());
  return { rows: result.records as T[], count: result.affected ?? result.records.length };
}

/**
 * As `sql`, for a statement that is asked all the time: each connection parses and plans it once, under `name`. Its text
 * must be one constant, and its plan must not depend on the parameters. It fails with the driver's own error.
 */
export async function preparedSql<T = Record<string, unknown>>(
  tx: Tx,
  name: string,
  text: string,
  params: unknown[],
): Promise<SqlResult<T>> {
  const runner = tx.queryRunner;
  if (!runner) throw new Error('preparedSql() needs the tx of Database.transaction()');
  const client = (await runner.connect()) as pg.PoolClient;
  const asked = () => client.query({ name, text, values: params });
  const slow = slowStatementsOf.get(runner.dataSource);
  const { rows, rowCount } = await (slow?.watch(text, asked) ?? asked());
  return { rows: rows as T[], count: rowCount ?? 0 };
}
