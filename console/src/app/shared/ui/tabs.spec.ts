import { ChangeDetectionStrategy, Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { Tabs } from './tabs';

@Component({
  imports: [Tabs],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<aos-tabs
    label="A run"
    words="projects.run.tab"
    panel="part"
    [names]="names"
    [shown]="shown()"
    [counts]="{ artifacts: 3 }"
    (chosen)="shown.set($event)"
  />`,
})
class Page {
  protected readonly names = ['plan', 'timeline', 'artifacts'] as const;
  readonly shown = signal<(typeof this.names)[number]>('plan');
}

async function open() {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(Page);
  const host = fixture.nativeElement as HTMLElement;
  document.body.append(host);
  await fixture.whenStable();
  const tabs = [...host.querySelectorAll<HTMLElement>('[role=tab]')];
  const key = async (name: string) => {
    const event = new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true });
    (document.activeElement as HTMLElement).dispatchEvent(event);
    await fixture.whenStable();
    return event;
  };
  return { fixture, host, tabs, key };
}

it('is a list of tabs of which one can be reached by Tab, with how many there are in a part', async () => {
  const { host, tabs } = await open();
  const row = host.querySelector('[role=tablist]')!;
  expect(row.getAttribute('aria-label')).toBe('A run');
  expect(row.classList).toContain('fades');
  expect(tabs.map((tab) => tab.tabIndex)).toEqual([0, -1, -1]);
  expect(tabs.map((tab) => tab.getAttribute('aria-controls'))).toEqual(['part', 'part', 'part']);
  expect(tabs.map((tab) => tab.querySelector('.num')?.textContent)).toEqual([
    undefined,
    undefined,
    '3',
  ]);
});

it('goes round by the arrow keys, and takes the focus along', async () => {
  const { fixture, tabs, key } = await open();
  tabs[0]!.focus();
  expect((await key('ArrowLeft')).defaultPrevented).toBe(true);
  expect(fixture.componentInstance.shown()).toBe('artifacts');
  expect(document.activeElement).toBe(tabs[2]);
  await key('ArrowRight');
  expect(fixture.componentInstance.shown()).toBe('plan');
  expect(document.activeElement).toBe(tabs[0]);
  expect((await key('ArrowDown')).defaultPrevented).toBe(false);
});
