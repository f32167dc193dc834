/**
 * Whole numbers beyond 2^53, such as many an id, are read by JavaScript as a neighbour: 9007199254740993 is ...992 from then on,
 * and nothing tells. Whoever sends one means that one. So what would be passed on with other digits than it came with is
 * read as NaN, which JSON cannot hold and which is refused with its place, and all else as ever. Fractions are rounded by
 * everybody who reads them.
 */
export function parseExactly(json: string): unknown {
  return mayRound(json) ? (JSON.parse as ParseWithSource)(json, marked) : JSON.parse(json);
}

/** Such a number has sixteen digits, with a point among them or not. Most texts need no second look. */
export const mayRound = (json: string): boolean => /[\d.]{16}/.test(json);

/** The third parameter is in V8 since 11.4, and not in TypeScript's library yet. */
export type ParseWithSource = (
  text: string,
  reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
) => unknown;

const marked = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === 'number' && source !== undefined && isRounded(value, source) ? NaN : value;

export const isRounded = (value: number, source: string): boolean =>
  Math.abs(value) > Number.MAX_SAFE_INTEGER &&
  Number.isFinite(value) &&
  digitsOf(source) !== digitsOf(String(value));

/** The same for all ways to write a number: 1e3, 1.0e3 and 1000. */
function digitsOf(number: string): string {
  const [mantissa = '', exponent = '0'] = number.replace(/^-/, '').toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+/, '');
  let end = digits.length; // a pattern would look for the end from each of a million zeros
  while (digits[end - 1] === '0') end--;
  return `${digits.slice(0, end)}e${Number(exponent) - fraction.length + digits.length - end}`;
}
