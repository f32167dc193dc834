/** What the processes of bench:gateway say to each other. */

/** Where calls are sent, and how one of them looks there. */
export interface Door {
  url: string;
  /** The older transport of its own endpoint for events; all others speak Streamable HTTP. */
  isSse?: boolean;
  headers?: Record<string, string>;
  /** The name of the tool behind this door. */
  tool: string;
}

export type Order =
  | { op: 'connect'; door: Door }
  /** Calls over the one SDK client, so many at a time. */
  | { op: 'calls'; atOnce: number; seconds: number }
  | { op: 'count'; atOnce: number; calls: number }
  /** Clients one after another, so many at a time: each connects, calls once, ends its session. */
  | { op: 'clients'; door: Door; atOnce: number; clients: number }
  /** Plain requests over kept connections, without an SDK. */
  | { op: 'raw'; door: Door; atOnce: number; seconds: number };

export interface Answer {
  measured?: Measured;
  error?: string;
}

export interface Measured {
  perSecond: number;
  p50: number;
  p99: number;
}

export const MESSAGE = 'the quick brown fox jumps over the lazy dog';

export function measured(durations: number[], ms: number): Measured {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
  return { perSecond: (durations.length / ms) * 1000, p50: at(0.5), p99: at(0.99) };
}
