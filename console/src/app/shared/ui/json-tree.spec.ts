import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { JsonTree } from './json-tree';

async function show(value: unknown, openTo = 2) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(JsonTree);
  fixture.componentRef.setInput('value', value);
  fixture.componentRef.setInput('label', 'Result');
  fixture.componentRef.setInput('openTo', openTo);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const rows = () =>
    [...host.querySelectorAll('[role=treeitem]')].map((row) =>
      (row.textContent ?? '').replace(/\s+/g, ' ').trim(),
    );
  const press = async (key: string) => {
    host.querySelector('[role=tree]')!.dispatchEvent(new KeyboardEvent('keydown', { key }));
    await fixture.whenStable();
  };
  return { host, rows, press };
}

describe('the JSON tree', () => {
  it('shows texts as text, with what cannot be seen written out', async () => {
    const { host, rows } = await show({ html: '<img src=x>', name: 'a\u202Eb' });
    expect(host.querySelector('img')).toBeNull();
    expect(rows()[1]).toContain('html:"<img src=x>"');
    expect(host.querySelector('mark')?.textContent).toBe('U+202E');
  });

  it('is walked, opened and closed by the arrows', async () => {
    const { host, rows, press } = await show({ a: { b: { c: 1 } } }, 1);
    expect(rows()).toHaveLength(2);
    await press('ArrowDown');
    await press('ArrowRight');
    expect(rows()).toHaveLength(3);
    expect(host.querySelectorAll('[role=treeitem]')[1]?.getAttribute('aria-expanded')).toBe('true');
    await press('ArrowLeft');
    expect(rows()).toHaveLength(2);
  });

  it('makes only the rows in sight', async () => {
    const { rows, press } = await show(
      Array.from({ length: 50_000 }, (_, n) => n),
      1,
    );
    expect(rows()).toHaveLength(1);
    await press('Enter');
    expect(rows().length).toBeGreaterThan(10);
    expect(rows().length).toBeLessThan(200);
  });
});
