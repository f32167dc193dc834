import type { Episode } from '@aos/contracts';
import { duration } from '../../shared/ui/time';
import { tookMs } from './comparison';

/** A number of both runs: as it is read, and by how much the right one is more or less. */
export interface Measure {
  name: 'took' | 'cost' | 'tokens' | 'attempts' | 'steps' | 'calls';
  left: string;
  right: string;
  difference: string;
}

const MINUS = '−';
const signed = (by: number, text: string) => (by === 0 ? '=' : `${by > 0 ? '+' : MINUS}${text}`);

/** A fen is much for a call of a small model: below ten of them the next two digits count. */
export const yuan = (cny: number) => `¥${cny.toFixed(cny > 0 && cny < 0.1 ? 4 : 2)}`;
const whole = (n: number) => n.toLocaleString('en');

function part(left: number, right: number): string {
  if (left === 0 || left === right) return '';
  const percent = Math.round((Math.abs(right - left) / left) * 100);
  return percent === 0 || percent > 999 ? '' : ` (${right > left ? '+' : MINUS}${percent} %)`;
}

/** Cost, tokens and the like of both runs. What one of them does not have yet has no difference. */
export function measuresOf(left: Episode, right: Episode): Measure[] {
  const row = (
    name: Measure['name'],
    of: (episode: Episode) => number | null,
    text: (n: number) => string,
    hasPart = false,
  ): Measure => {
    const [before, after] = [of(left), of(right)];
    const said = (n: number | null) => (n === null ? '' : text(n));
    const by = before === null || after === null ? null : after - before;
    return {
      name,
      left: said(before),
      right: said(after),
      difference:
        by === null ? '' : signed(by, text(Math.abs(by))) + (hasPart ? part(before!, after!) : ''),
    };
  };
  return [
    row('took', ({ job }) => tookMs(job), duration, true),
    row('cost', ({ cost }) => cost.cny, yuan, true),
    row('tokens', ({ cost }) => cost.inputTokens + cost.outputTokens, whole, true),
    row('attempts', ({ attempts }) => attempts, whole),
    row('steps', ({ steps }) => steps.filter(({ state }) => state === 'done').length, whole),
    row('calls', ({ toolCalls }) => toolCalls.length, whole),
  ];
}
