import { Component, signal, viewChild } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideWords } from '../../../testing/transloco';
import { type Call, done, failed, loading } from '../api/problem';
import { Cell, type Column } from './column';
import { DataTable } from './data-table';
import { ROW_PX, TALL_ROW_PX, firstRow, rowsInSight, slotCount } from './rows-in-sight';

interface Fruit {
  id: string;
  name: string;
  grams: number;
}
const fruit = (n: number): Fruit => ({ id: `f${n}`, name: `Fruit ${n}`, grams: n });
const basket = (length: number) => Array.from({ length }, (_, n) => fruit(n));

@Component({
  imports: [Cell, DataTable],
  template: `
    <aos-data-table
      [tableId]="tableId"
      label="Fruit"
      [columns]="columns"
      [rows]="rows()"
      [rowId]="idOf"
      [call]="call()"
      [hasMore]="hasMore()"
      [link]="linkTo"
      [canSelect]="true"
      [(selected)]="selected"
      (more)="asked = asked + 1"
      (opened)="opened.push($event.id)"
      (retry)="retried = retried + 1"
    >
      <b *aosCell="let one of rows(); column: 'grams'">{{ one.grams }} g</b>
      <p aosEmpty>No fruit.</p>
      <button aosBulk type="button">Eat</button>
    </aos-data-table>
  `,
})
class Page {
  readonly tableId = `fruit-${Math.random()}`;
  columns: Column<Fruit>[] = [
    { id: 'name', header: 'ui.close', width: '1fr', text: ({ name }) => name, isFixed: true },
    { id: 'grams', header: 'ui.more', width: '80px', align: 'end' },
    { id: 'secret', header: 'ui.reload', width: '80px', text: () => 'hidden', isHidden: true },
  ];
  readonly rows = signal<Fruit[]>(basket(3));
  readonly call = signal<Call>(done);
  readonly hasMore = signal(false);
  readonly selected = signal<ReadonlySet<string>>(new Set());
  readonly table = viewChild.required(DataTable);
  readonly idOf = ({ id }: Fruit) => id;
  readonly linkTo = ({ id }: Fruit) => `/fruit/${id}`;
  asked = 0;
  retried = 0;
  opened: string[] = [];
}

async function show(change: (page: Page) => void = () => undefined) {
  TestBed.configureTestingModule({ providers: [provideWords(), provideRouter([])] });
  const fixture = TestBed.createComponent(Page);
  const page = fixture.componentInstance;
  change(page);
  document.body.append(fixture.nativeElement as HTMLElement);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const grid = () => host.querySelector<HTMLElement>('[role=grid]')!;
  const rows = () => [...host.querySelectorAll<HTMLElement>('.body [role=row]')];
  const press = async (key: string, on: HTMLElement = document.body) => {
    on.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    await fixture.whenStable();
  };
  const active = () => host.querySelector('.row.active')?.getAttribute('data-row');
  return { fixture, page, host, grid, rows, press, active };
}

afterEach(() => {
  document.body.replaceChildren();
  localStorage.clear();
});

describe('the window over the rows', () => {
  it('holds the rows in sight and some to spare, in any place of 100,000', () => {
    const rows = basket(100_000);
    const count = slotCount(720, ROW_PX);
    expect(count).toBeLessThan(60);
    const slots = rowsInSight(rows, firstRow(50_000 * ROW_PX, ROW_PX), count);
    expect(slots[0]!.index).toBeLessThanOrEqual(50_000);
    expect(slots.at(-1)!.index).toBeGreaterThan(50_020);
    expect(rowsInSight(rows, firstRow(99_999 * ROW_PX, ROW_PX), count).at(-1)!.index).toBe(99_999);
  });

  it('keeps the key of every row that stays, and gives a key to one row only', () => {
    const rows = basket(1_000);
    const count = slotCount(720, ROW_PX);
    const before = new Map(rowsInSight(rows, 100, count).map(({ index, key }) => [index, key]));
    const after = rowsInSight(rows, 108, count);
    for (const { index, key } of after) {
      if (before.has(index)) expect(key).toBe(before.get(index));
    }
    expect(new Set(after.map(({ key }) => key)).size).toBe(count);
  });
});

describe('the table', () => {
  it('shows its rows with real links, templates and texts, and says how many there are', async () => {
    const { grid, rows } = await show();
    expect(grid().getAttribute('aria-rowcount')).toBe('4');
    expect(rows()[1]!.querySelector('a')?.getAttribute('href')).toBe('/fruit/f1');
    expect(rows()[1]!.textContent).toContain('Fruit 1');
    expect(rows()[1]!.querySelector('b')?.textContent).toBe('1 g');
    expect(rows()[1]!.textContent).not.toContain('hidden');
  });

  it('makes no more rows for 100,000 than fit', async () => {
    const { rows } = await show((page) => page.rows.set(basket(100_000)));
    expect(rows().length).toBeLessThan(60);
  });

  it('has rows for fingers on a phone, one right under the other', async () => {
    const wide = window.innerWidth;
    window.innerWidth = 390;
    try {
      const { host, rows } = await show();
      expect(rows()[2]!.style.transform).toBe(`translateY(${2 * TALL_ROW_PX}px)`);
      expect(host.querySelector<HTMLElement>('.body')!.style.height).toBe(`${3 * TALL_ROW_PX}px`);
      expect(host.querySelector('.frame')!.classList).toContain('tall');
    } finally {
      window.innerWidth = wide;
    }
  });

  describe('in little room', () => {
    const headers = (host: HTMLElement) =>
      [...host.querySelectorAll('[role=columnheader]')].map((each) => each.textContent?.trim());
    const showIn = async (width: number) => {
      // jsdom lays nothing out.
      Object.defineProperty(HTMLElement.prototype, 'clientWidth', {
        value: width,
        configurable: true,
      });
      try {
        const { host } = await show((page) => {
          page.columns = [
            { id: 'state', header: 'State', width: '100px', narrowWidth: '16px', isFixed: true },
            { id: 'name', header: 'Name', width: '2fr', isFixed: true },
            { id: 'tools', header: 'Tools', width: '200px', hideNarrow: true },
            { id: 'fault', header: 'Fault', width: '200px', hideNarrow: true },
            { id: 'age', header: 'Age', width: '80px', hideNarrow: true },
          ];
        });
        return { headers: headers(host), isNarrow: !!host.querySelector('.frame.narrow') };
      } finally {
        Reflect.deleteProperty(HTMLElement.prototype, 'clientWidth');
      }
    };

    it('gives up one column after the other, the last first, and never all for want of a few pixels', async () => {
      expect((await showIn(961)).headers).toEqual(['', 'State', 'Name', 'Tools', 'Fault', 'Age']);
      TestBed.resetTestingModule();
      expect(await showIn(959)).toEqual({
        headers: ['', 'State', 'Name', 'Tools', 'Fault'],
        isNarrow: false,
      });
      TestBed.resetTestingModule();
      expect((await showIn(700)).headers).toEqual(['', 'State', 'Name', 'Tools']);
    });

    it('shows signs alone where even the columns that stay would have too little', async () => {
      expect(await showIn(420)).toEqual({ headers: ['', 'State', 'Name'], isNarrow: true });
    });
  });

  it('walks by j and k from anywhere, chooses by x and opens by Enter', async () => {
    const { page, press, active } = await show();
    await press('j');
    await press('j');
    expect(active()).toBe('f1');
    await press('k');
    expect(active()).toBe('f0');
    await press('x');
    expect([...page.selected()]).toEqual(['f0']);
    await press('Enter');
    expect(page.opened).toEqual(['f0']);
  });

  it('names the row in hand as active descendant of the grid, and follows End and Home there', async () => {
    const { grid, press, active, host } = await show();
    await press('End', grid());
    expect(active()).toBe('f2');
    const id = grid().getAttribute('aria-activedescendant')!;
    expect(host.querySelector(`#${id}`)?.getAttribute('data-row')).toBe('f2');
    await press('Home', grid());
    expect(active()).toBe('f0');
  });

  it('leaves keys alone that are typed into a field', async () => {
    const { press, active } = await show();
    const field = document.body.appendChild(document.createElement('input'));
    await press('j', field);
    expect(active()).toBeUndefined();
  });

  it('stays with a row when others arrive above it', async () => {
    const { page, press, active, fixture } = await show();
    await press('j');
    page.rows.update((rows) => [fruit(9), ...rows]);
    await fixture.whenStable();
    expect(active()).toBe('f0');
  });

  it('says how many arrived above while a person looks at the rows below', async () => {
    const { page, grid, host, fixture } = await show((page) => page.rows.set(basket(500)));
    grid().scrollTop = 3_600;
    grid().dispatchEvent(new Event('scroll'));
    await fixture.whenStable();
    page.rows.update((rows) => [fruit(901), fruit(902), ...rows]);
    await fixture.whenStable();
    expect(host.querySelector('.news')?.textContent).toContain('2 new');
  });

  it('shows the bulk bar while rows are chosen, takes a range by Shift, and clears by Escape', async () => {
    const { page, host, rows, press, fixture } = await show();
    expect(host.textContent).not.toContain('Eat');
    rows()[0]!.querySelector('input')!.click();
    rows()[2]!
      .querySelector('input')!
      .dispatchEvent(new MouseEvent('click', { shiftKey: true, bubbles: true, cancelable: true }));
    await fixture.whenStable();
    expect([...page.selected()]).toEqual(['f0', 'f1', 'f2']);
    expect(host.textContent).toContain('3 chosen');
    expect(host.textContent).toContain('Eat');
    await press('Escape');
    expect(page.selected().size).toBe(0);
  });

  it('opens by a plain click, and leaves a click with Ctrl to the browser', async () => {
    const { page, rows } = await show();
    const click = (over: MouseEventInit) => {
      let wasPrevented = false;
      const look = (event: Event) => {
        wasPrevented = event.defaultPrevented;
        event.preventDefault();
      };
      document.body.addEventListener('click', look, { once: true });
      rows()[0]!
        .querySelector('a')!
        .dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...over }));
      return wasPrevented;
    };
    expect(click({})).toBe(true);
    expect(page.opened).toEqual(['f0']);
    expect(click({ ctrlKey: true })).toBe(false);
    expect(page.opened).toEqual(['f0']);
  });

  it('asks for the next page once, before the end is in sight', async () => {
    const { page, fixture } = await show((page) => page.hasMore.set(true));
    expect(page.asked).toBe(1);
    page.call.set(loading);
    await fixture.whenStable();
    expect(page.asked).toBe(1);
    page.rows.set(basket(6));
    page.call.set(done);
    await fixture.whenStable();
    expect(page.asked).toBe(2);
  });

  it('says what went wrong and asks again', async () => {
    const { page, host, fixture } = await show((page) => page.call.set(failed(new Error('No'))));
    expect(host.querySelector('[role=alert]')).not.toBeNull();
    host.querySelector<HTMLButtonElement>('[role=alert] button')!.click();
    await fixture.whenStable();
    expect(page.retried).toBe(1);
  });

  it('is empty in words, and only after the answer', async () => {
    const { page, host, fixture } = await show((page) => {
      page.rows.set([]);
      page.call.set(loading);
    });
    expect(host.textContent).not.toContain('No fruit.');
    page.call.set(done);
    await fixture.whenStable();
    expect(host.textContent).toContain('No fruit.');
  });

  it('remembers the columns a person chose', async () => {
    const { host, fixture, rows, page } = await show();
    host.querySelector<HTMLButtonElement>('.columns')!.click();
    await fixture.whenStable();
    const items = [...document.querySelectorAll<HTMLElement>('[role=menuitemcheckbox]')];
    expect(items.map((item) => item.getAttribute('aria-checked'))).toEqual(['true', 'false']);
    items[1]!.click();
    await fixture.whenStable();
    expect(rows()[0]!.textContent).toContain('hidden');
    expect(JSON.parse(localStorage.getItem(`aos.columns.${page.tableId}`)!)).toEqual({
      secret: true,
    });
  });
});
