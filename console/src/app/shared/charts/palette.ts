/**
 * The colours of series, told apart by the colour-blind too, in the order in which they are given out. The tones
 * are for series that are a state: nothing else may look like one.
 */
export const seriesColours = [
  '--series-1',
  '--series-2',
  '--series-3',
  '--series-4',
  '--series-5',
] as const;

export type SeriesTone = 'running' | 'waiting' | 'done' | 'failed' | 'recovering' | 'idle';

export interface Inks {
  ink: string;
  muted: string;
  line: string;
  surface: string;
  series: string[];
}

/**
 * A canvas cannot read our tokens: `light-dark()` is settled by the browser only for an element. So an element is
 * asked, which follows the theme that is shown now.
 */
export function readInks(host: HTMLElement, tones: readonly (SeriesTone | undefined)[]): Inks {
  const probe = document.createElement('span');
  probe.hidden = true;
  host.append(probe);
  const read = (token: string) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const inks: Inks = {
    ink: read('--ink'),
    muted: read('--muted'),
    line: read('--line'),
    surface: read('--surface'),
    series: tones.map((tone, index) =>
      read(
        tone === undefined
          ? (seriesColours[index % seriesColours.length] ?? '--series-1')
          : tone === 'waiting'
            ? '--waiting-mark'
            : `--${tone}`,
      ),
    ),
  };
  probe.remove();
  return inks;
}
