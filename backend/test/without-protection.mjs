import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Loaded before the server by crash.spec.ts (`node --import`), to show that its checks see what the ledger and the
 * fence prevent: with either of them out of order, they must find something.
 */
const load = (path) => import(pathToFileURL(join(dirname(process.argv[1]), 'modules', path)).href);

if (process.env.CRASH_TEST_WITHOUT === 'ledger') {
  // Every call looks new: nothing recorded is found again, and no key is the same twice.
  const { Ledger } = await load('integrations/chain/ledger.js');
  const { begin } = Ledger.prototype;
  Ledger.prototype.begin = function (ctx, call, ...more) {
    const idempotencyKey = `${call.idempotencyKey}:${randomUUID()}`;
    return begin.call(this, ctx, { ...call, idempotencyKey }, ...more);
  };
} else if (process.env.CRASH_TEST_WITHOUT === 'fencing') {
  // A worker that has lost its job is never told.
  const { Queue } = await load('jobs/queue.js');
  Queue.prototype.assertLease = async () => undefined;
}
