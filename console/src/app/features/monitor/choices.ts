import type * as contract from '@aos/contracts';

/**
 * The lists of the contract as plain values. The contract's own come with the schema library, which weighs more than the
 * room; typed like this, they cannot differ from them.
 */
export const logLevels: typeof contract.logLevels = ['debug', 'info', 'warn', 'error'];
export const topologyRanges: typeof contract.topologyRanges = ['15m', '1h', '6h', '24h', '7d'];
export const metricRanges: typeof contract.metricRanges = [...topologyRanges, '30d', '90d'];
export const traceStatuses: typeof contract.traceStatuses = [
  'running',
  'waiting',
  'succeeded',
  'failed',
  'cancelled',
];
