import { ChangeDetectionStrategy, Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { provideWords } from '../../../testing/transloco';
import { FilterBar } from './filter-bar';
import type { Filter } from './filters';

@Component({
  imports: [FilterBar],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<aos-filter-bar search="text" [filters]="filters" [resets]="['row']" />`,
})
class Page {
  protected readonly filters: Filter[] = [
    {
      kind: 'choice',
      key: 'level',
      label: 'Level',
      isMany: true,
      options: ['debug', 'info', 'warn', 'error'].map((value) => ({ value, label: value })),
    },
    {
      kind: 'choice',
      key: 'agent',
      label: 'Agent',
      options: Array.from({ length: 12 }, (_, n) => ({ value: `a${n}`, label: `agent ${n}` })),
    },
    { kind: 'text', key: 'minMs', label: 'Longer than' },
    { kind: 'flag', key: 'hasError', label: 'With errors' },
    { kind: 'span', key: 'from', toKey: 'to', label: 'Dates', unsets: ['since'] },
  ];
}

async function open(url: string) {
  TestBed.configureTestingModule({
    providers: [provideRouter([{ path: 'list', component: Page }]), provideWords()],
  });
  const harness = await RouterTestingHarness.create(url);
  const host = harness.routeNativeElement!;
  const named = (name: string) =>
    [...document.querySelectorAll<HTMLElement>('button, label')].find((element) =>
      element.textContent?.trim().startsWith(name),
    )!;
  const press = async (name: string) => {
    named(name).click();
    await harness.fixture.whenStable();
  };
  const query = () => TestBed.inject(Router).parseUrl(TestBed.inject(Router).url).queryParams;
  return { harness, host, named, press, query };
}

describe('the filter bar', () => {
  it('shows what the address says, and leaves out what is no option', async () => {
    const { named } = await open('/list?level=warn,error,nonsense&agent=a3&tab=x');
    expect(named('Level').textContent).toContain('warn, error');
    expect(named('Level').textContent).not.toContain('nonsense');
    expect(named('Agent').textContent).toContain('agent 3');
  });

  it('writes several choices into one parameter, and forgets the chosen row', async () => {
    const { harness, press, query } = await open('/list?level=warn&row=7&tab=x');
    await press('Level');
    const box = [...document.querySelectorAll<HTMLInputElement>('[role=dialog] input')][3]!;
    box.click();
    await harness.fixture.whenStable();
    expect(query()).toEqual({ level: 'warn,error', tab: 'x' });
  });

  it('finds an option among many', async () => {
    const { harness, press } = await open('/list');
    await press('Agent');
    const find = document.querySelector<HTMLInputElement>('[role=dialog] .find')!;
    find.value = '11';
    find.dispatchEvent(new Event('input'));
    await harness.fixture.whenStable();
    expect(document.querySelectorAll('[role=dialog] li')).toHaveLength(1);
  });

  it('writes a span of dates into two parameters, in place of what it unsets', async () => {
    const { harness, named, press, query } = await open('/list?since=1h&row=7');
    const fill = async (from: string, to: string) => {
      await press('Dates');
      const [first, last] = [
        ...document.querySelectorAll<HTMLInputElement>('[role=dialog] input'),
      ] as [HTMLInputElement, HTMLInputElement];
      first.value = from;
      last.value = to;
      await press('Apply');
    };
    await fill('2026-11-03T17:00', '2026-11-03T09:00');
    expect(document.querySelector('[role=dialog] [role=alert]')).not.toBeNull();
    expect(query()).toEqual({ since: '1h', row: '7' });
    await press('Dates');
    await fill('2026-11-03T09:00', '2026-11-03T17:00');
    const iso = (hour: number) => new Date(2026, 10, 3, hour).toISOString();
    expect(query()).toEqual({ from: iso(9), to: iso(17) });
    await harness.fixture.whenStable();
    expect(named('Dates').textContent).toContain('17:00');
    await press('Clear');
    expect(query()).toEqual({});
  });

  it('leaves what is no moment out of a span', async () => {
    const { named } = await open('/list?from=tomorrow');
    expect(named('Dates').textContent?.trim()).toBe('Dates');
  });

  it('searches on Enter at once, switches a flag, and clears all but what is not its own', async () => {
    const { harness, host, press, query } = await open('/list?tab=x');
    const box = host.querySelector<HTMLInputElement>('input[type=search]')!;
    box.value = ' disk ';
    box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }));
    await harness.fixture.whenStable();
    await press('With errors');
    expect(query()).toEqual({ text: 'disk', hasError: 'true', tab: 'x' });
    await press('Clear');
    expect(query()).toEqual({ tab: 'x' });
  });
});
