import { createHash } from 'node:crypto';

const LONGEST = 64;

/** `<server>__<tool>` in the letters that every model API takes; a name too long keeps its head and gets a hash. */
export function aggregateName(server: string, tool: string): string {
  const name = `${server}__${tool}`.replace(/[^A-Za-z0-9_-]/g, '_');
  if (name.length <= LONGEST) return name;
  const hash = createHash('sha256').update(`${server}.${tool}`).digest('hex').slice(0, 8);
  return `${name.slice(0, LONGEST - 9)}_${hash}`;
}
