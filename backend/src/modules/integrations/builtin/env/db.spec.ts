import { TestHost } from '../testing.js';
import { countStatements, db } from './db.js';

describe('db.query', () => {
  it.each([
    ['select 1', 1],
    ['select 1;', 1],
    ['select 1; drop table x', 2],
    ["select ';' as a -- ; not here\n", 1],
    ["select 'it''s; fine', \"odd;name\" /* ; */", 1],
    ['select $$ ; $$, $a$ ; $$ ; $a$', 1],
    ['select 1; select 2; select 3', 3],
    ['  -- nothing\n', 0],
  ])('counts the statements of %j', (sql, count) => {
    expect(countStatements(sql)).toBe(count);
  });

  it('passes one statement with its values to the read-only transaction', async () => {
    const host = await TestHost.start();
    const answer = await host.call(db[0]!, { sql: 'select $1::int', params: [1] });
    expect(answer).toEqual({ columns: ['n'], rows: [[1]], rowCount: 1, truncated: false });
    expect(host.queries).toEqual([{ sql: 'select $1::int', params: [1] }]);
    await expect(host.call(db[0]!, { sql: 'select 1; commit' })).rejects.toMatchObject({
      code: 'one_statement',
    });
    expect(host.queries).toHaveLength(1);
    await host.stop();
  });
});
