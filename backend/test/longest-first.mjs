import TestSequencer from '@jest/test-sequencer';

/**
 * What takes longest begins first: begun last, as the biggest file does not say how long it takes, it would run on
 * alone while the other worker has nothing left to do. The rest as Jest has it.
 */
const longest = [
  'test/crash.spec.ts',
  'skills/big-csv.spec.ts',
  'src/start.spec.ts',
  'upstreams/kills.spec.ts',
  'aggregate/mutations.spec.ts',
  'test/conformance.spec.ts',
  'test/inspector.spec.ts',
  'outbox/relay.spec.ts',
  'health/health.spec.ts',
  'env/git.spec.ts',
];

export default class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = ({ path }) => longest.findIndex((end) => path.endsWith(end));
    const [first, rest] = [
      tests.filter((test) => rank(test) !== -1),
      tests.filter((test) => rank(test) === -1),
    ];
    return [...first.sort((a, b) => rank(a) - rank(b)), ...super.sort(rest)];
  }
}
