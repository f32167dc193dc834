import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { Job, StepState } from '@aos/contracts';
import { TranslocoPipe } from '@jsverse/transloco';
import { Icon, type IconName } from './icon';

export type Tone = 'running' | 'waiting' | 'done' | 'failed' | 'recovering' | 'idle';

const tones: Record<Job['status'] | StepState['state'], Tone> = {
  scheduled: 'idle',
  queued: 'idle',
  pending: 'idle',
  running: 'running',
  waiting: 'waiting',
  succeeded: 'done',
  done: 'done',
  failed: 'failed',
  cancelled: 'idle',
  skipped: 'idle',
};

export const toneOf = (job: { status: Job['status']; isRecovering?: boolean }): Tone =>
  job.isRecovering ? 'recovering' : tones[job.status];
export const toneOfStep = (state: StepState['state']): Tone => tones[state];
/** The key of the word that stands beside the mark. */
export const wordOf = (job: { status: Job['status']; isRecovering?: boolean }): string =>
  `state.${job.isRecovering ? 'recovering' : job.status}`;

/** A state: its colour, its icon and its word. Where there is no room for the word it is still said aloud. */
@Component({
  selector: 'aos-state',
  imports: [Icon, TranslocoPipe],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <aos-icon [name]="icon() ?? tone()" [size]="15" />
    <span [class.sr-only]="!hasWord()">{{ word() | transloco }}</span>
  `,
  host: { '[class]': 'tone()', '[attr.title]': 'hasWord() ? null : ""' },
  styles: `
    :host {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      flex: none;
      vertical-align: middle;
      font-size: 12px;
      font-weight: 550;
      white-space: nowrap;
      color: var(--idle);
    }
    :host(.running) {
      color: var(--running);
    }
    :host(.waiting) {
      color: var(--waiting);
    }
    :host(.done) {
      color: var(--done);
    }
    :host(.failed) {
      color: var(--failed);
    }
    :host(.recovering) {
      color: var(--recovering);
    }
  `,
})
export class StateMark {
  readonly tone = input.required<Tone>();
  readonly word = input.required<string>();
  readonly icon = input<IconName>();
  readonly hasWord = input(true);
}
