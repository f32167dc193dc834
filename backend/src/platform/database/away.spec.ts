import { describeFailure, isDatabaseAway } from './away.js';

const failing = (message: string, more: object = {}) => Object.assign(new Error(message), more);

it.each([
  failing('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED' }),
  failing('terminating connection due to administrator command', { code: '57P01' }),
  failing('Connection terminated unexpectedly'),
  failing('Query runner already released. Cannot run queries anymore.'),
  failing('timeout exceeded when trying to connect'),
  failing('query failed', { driverError: failing('too many clients', { code: '53300' }) }),
])('is told in a line while the database is away: %s', (error) => {
  expect(isDatabaseAway(error)).toBe(true);
  expect(describeFailure(error)).toBe(error.message);
});

it.each([
  failing('x is not a function'),
  failing('duplicate key', { code: '23505' }),
  failing('no such file', { code: 'ENOENT' }),
])('is told with its stack where nobody expects it: %s', (error) => {
  expect(isDatabaseAway(error)).toBe(false);
  expect(describeFailure(error)).toContain('away.spec');
});

it('is told whatever was thrown', () => {
  expect(describeFailure('a text')).toBe('a text');
  expect(describeFailure(undefined)).toBe('undefined');
});
