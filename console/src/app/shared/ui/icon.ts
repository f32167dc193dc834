import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';

const circle = 'M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18Z';

/** Line icons on a 24-unit grid, drawn with one stroke width, so that they sit together. */
const paths = {
  chat: 'M20 15a3 3 0 0 1-3 3H9l-5 3.5V6a3 3 0 0 1 3-3h10a3 3 0 0 1 3 3Z',
  monitor: 'M3 12h4l3-8 4 16 3-8h4',
  projects: 'M3 7a2 2 0 0 1 2-2h4l2 2.5h8a2 2 0 0 1 2 2V17a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Z',
  memory:
    'M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3Zm0 0v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3',
  settings: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.5v5M8.500 14.500v5',
  integrations: 'M9 3v5m6-5v5M6 8h12v4a6 6 0 0 1-12 0Zm6 10v3.500',
  agents:
    'M6 8h12a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H6a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2Zm6 0V4M9.500 13v2m5-2v2M1.500 13v3m21-3v3',
  running: `${circle}M10 8.500v7l5.500-3.500Z`,
  waiting: `${circle}M10 9v6m4-6v6`,
  done: `${circle}M8 12.300l2.700 2.700L16 9.500`,
  failed: `${circle}M12 7.500v5.500m0 3v.5`,
  recovering:
    'M20 11A8 8 0 0 0 5.700 6.800L3.500 9m0-5v5h5M4 13a8 8 0 0 0 14.300 4.200L20.500 15m0 5v-5h-5',
  idle: `${circle}M8 12h8`,
  anomaly: 'M12 4 2.800 20h18.400ZM12 10v4.500m0 2.500v.3',
  flag: 'M5 21V4m0 1h12.500l-2.500 4 2.500 4H5',
  milestone: `${circle}M12 8.500a3.500 3.500 0 1 1 0 7a3.500 3.500 0 0 1 0-7Z`,
  check: 'M5 12.500l4.500 4.500L19 7.500',
  close: 'M6 6l12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  attach:
    'M20 11.500l-8 8a5 5 0 0 1-7-7l8.500-8.500a3.300 3.300 0 0 1 4.700 4.700L9.800 17a1.600 1.600 0 0 1-2.300-2.300L15 7.300',
  send: 'M12 20V5m-6 6 6-6 6 6',
  copy: 'M9 9h10a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM4.500 15H4a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v.5',
  download: 'M12 4v11m-5-4.500 5 5 5-5M4 20h16',
  search: 'M10.500 4a6.500 6.500 0 1 1 0 13a6.500 6.500 0 0 1 0-13ZM15.500 15.500 20.500 20.500',
  up: 'M12 20V5m-6 6 6-6 6 6',
  columns: 'M4 5h16v14H4Zm5.500 0v14m5-14v14',
  down: 'M6 9.500l6 6 6-6',
  right: 'M9.500 6l6 6-6 6',
  left: 'M14.500 6l-6 6 6 6',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  list: 'M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01',
  inbox: 'M3 13l3-8h12l3 8v5a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2Zm0 0h5l1.500 3h5L16 13h5',
  pin: 'M9 4v16M4 4h16v16H4Z',
  retry: 'M20 12a8 8 0 1 1-2.500-5.800L20 8.500m0-5v5h-5',
  stop: 'M7 7h10v10H7Z',
  play: 'M8 5.500v13l10.500-6.500Z',
  open: 'M14 4h6v6m0-6-9 9M18 14v5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1h5',
  image: 'M4 5h16v14H4Zm0 11 5-5 4 4 2.500-2.500L20 17M15.500 9h.01',
  table: 'M4 5h16v14H4Zm0 5h16M4 14.500h16M10 10v9',
  text: 'M6 3h8l5 5v13H6Zm8 0v5h5M9.500 13h6m-6 4h6',
  code: 'M8.500 8l-4.500 4 4.500 4m7-8 4.500 4-4.500 4',
  fit: 'M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5',
  sun: 'M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8Zm0-5.500v1.500m0 16v1.500M2.500 12H4m16 0h1.500M5.300 5.300l1 1m11.400 11.400 1 1m0-13.400-1 1M6.300 17.700l-1 1',
  moon: 'M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500Z',
  system: 'M4 5h16v11H4Zm8 11v4m-4 0h8',
  globe: `${circle}M3.500 12h17M12 3c2.500 2.500 3.600 5.500 3.600 9s-1.100 6.500-3.600 9c-2.500-2.500-3.600-5.500-3.600-9S9.500 5.500 12 3Z`,
  keyboard: 'M3 7h18v10H3Zm4 3.500h.01m3.300 0h.01m3.300 0h.01m3.300 0h.01M8 13.800h8',
  leave: 'M14 4h4a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1h-4M4 12h10m-3.500-4 4 4-4 4',
  person:
    'M12 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8ZM4.500 20.500c.8-3.500 3.700-5.500 7.500-5.500s6.700 2 7.500 5.500',
} as const;

export type IconName = keyof typeof paths;

@Component({
  selector: 'aos-icon',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<svg
    viewBox="0 0 24 24"
    [attr.width]="size()"
    [attr.height]="size()"
    aria-hidden="true"
    focusable="false"
  >
    <path [attr.d]="d()" [attr.stroke-width]="name() === 'more' ? 3 : 1.75" />
  </svg>`,
  styles: `
    :host {
      display: inline-flex;
      flex: none;
    }
    svg {
      display: block;
      fill: none;
      stroke: currentColor;
      stroke-linecap: round;
      stroke-linejoin: round;
    }
  `,
})
export class Icon {
  readonly name = input.required<IconName>();
  readonly size = input(16);
  protected readonly d = computed(() => paths[this.name()]);
}
