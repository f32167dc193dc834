import { TestBed } from '@angular/core/testing';
import { anEvent } from '../../../../testing/factories';
import { provideWords } from '../../../../testing/transloco';
import { ReplayBar, firstSpeed, nextEvent } from './replay-bar';

const events = [0, 1_000, 4_000].map((ms) =>
  anEvent({ createdAt: new Date(ms + 1e12).toISOString() }),
);
const start = 1e12;

async function show(at: number) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(ReplayBar);
  const rested: number[] = [];
  const bar = fixture.componentInstance;
  bar.rested.subscribe((time) => rested.push(time - start));
  bar.moved.subscribe((time) => fixture.componentRef.setInput('at', time));
  fixture.componentRef.setInput('events', events);
  fixture.componentRef.setInput('at', at);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  return { fixture, host, rested, slider: host.querySelector('input')! };
}

describe('the replay', () => {
  it('has a tick at every event', async () => {
    const { host } = await show(start);
    const lefts = [...host.querySelectorAll<HTMLElement>('.tick')].map((tick) => tick.style.left);
    expect(lefts).toEqual(['0%', '25%', '100%']);
  });

  it('goes from event to event by arrow keys', async () => {
    const { fixture, rested, slider } = await show(start + 500);
    const press = async (key: string) => {
      slider.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true }));
      await fixture.whenStable();
    };
    await press('ArrowRight');
    await press('ArrowRight');
    await press('ArrowRight');
    await press('ArrowLeft');
    expect(rested).toEqual([1_000, 4_000, 1_000]);
  });

  it('goes where the slider is dragged', async () => {
    const { rested, slider } = await show(start);
    slider.value = '2500';
    slider.dispatchEvent(new Event('input'));
    expect(rested).toEqual([2_500]);
  });

  it('is watched in half a minute, however long the run was', () => {
    expect([5_000, 100_000, 3_600_000].map(firstSpeed)).toEqual([1, 4, 256]);
  });

  it('knows the neighbours of a moment', () => {
    expect(nextEvent(events, start + 4_000, 1)).toBeUndefined();
    expect(nextEvent(events, start, -1)).toBeUndefined();
  });
});
