import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { Difference } from './difference';
import { changedOnly, compare, differenceOf } from './difference-lines';

const told = (before: unknown, after: unknown) =>
  changedOnly(differenceOf(before, after)).map((row) =>
    row === null ? '…' : `${row.kind}: ${row.before ?? ''} | ${row.after ?? ''}`,
  );

describe('the lines of a difference', () => {
  it('names the changed key and the keys that it is in', () => {
    const before = { llm: { model: 'a', timeoutMs: 100 }, gateway: { timeoutMs: 1 } };
    const after = { llm: { model: 'a', timeoutMs: 200 }, gateway: { timeoutMs: 1 } };
    expect(told(before, after)).toEqual([
      'same: llm: | llm:',
      '…',
      'changed:   timeoutMs: 100 |   timeoutMs: 200',
      '…',
    ]);
  });

  it('takes another order of keys for the same', () => {
    expect(told({ a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 })).toEqual([]);
  });

  it('moves nothing when an item is put before the others', () => {
    expect(told({ hosts: ['b', 'c'] }, { hosts: ['a', 'b', 'c'] })).toEqual([
      'same: hosts: | hosts:',
      'added:  |   - "a"',
      '…',
    ]);
  });

  it('pairs by key what changed at one place', () => {
    expect(told({ a: 1, b: 2 }, { b: 3, c: 4 })).toEqual([
      'changed: b: 2 | b: 3',
      'removed: a: 1 | ',
      'added:  | c: 4',
    ]);
  });

  it('compares texts line by line, and nothing with something', () => {
    expect(told('one\ntwo\nthree', 'one\n2\nthree')).toEqual(['…', 'changed: two | 2', '…']);
    expect(told(null, { a: 1 })).toEqual(['added:  | a: 1']);
    expect(told({ prompt: 'a\nb' }, { prompt: 'a\nc' })).toEqual([
      'same: prompt: | | prompt: |',
      '…',
      'changed:   b |   c',
    ]);
  });

  it('always adds up to both sides, whatever they are', () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    for (let round = 0; round < 200; round++) {
      const text = () => Array.from({ length: random(40) }, () => 'abcde'[random(5)] ?? '');
      const [before, after] = [text(), text()];
      const rows = compare(before, after);
      expect(rows.flatMap((row) => (row.before === null ? [] : [row.before]))).toEqual(before);
      expect(rows.flatMap((row) => (row.after === null ? [] : [row.after]))).toEqual(after);
      for (const row of rows) expect(row.kind === 'same').toBe(row.before === row.after);
    }
  });

  it('gives up on finding the shortest way before it takes long', () => {
    const side = (name: string) => Array.from({ length: 20_000 }, (_, n) => `${name}${n}`);
    const from = performance.now();
    expect(compare(side('a'), side('b'))).toHaveLength(20_000);
    expect(performance.now() - from).toBeLessThan(5_000);
  });
});

describe('the difference', () => {
  const show = async (before: unknown, after: unknown) => {
    TestBed.configureTestingModule({ imports: [Difference], providers: [provideWords()] });
    const fixture = TestBed.createComponent(Difference);
    fixture.componentRef.setInput('before', before);
    fixture.componentRef.setInput('after', after);
    await fixture.whenStable();
    return { fixture, root: fixture.nativeElement as HTMLElement };
  };

  it('shows the changed lines, and all when switched', async () => {
    const { fixture, root } = await show({ a: 1, b: 2, c: 3 }, { a: 1, b: 5, c: 3 });
    expect(root.textContent).toContain('Changed lines: 1');
    expect(root.textContent).not.toContain('a: 1');
    root.querySelector<HTMLInputElement>('input[role=switch]')?.click();
    await fixture.whenStable();
    expect(root.textContent).toContain('a: 1');
  });

  it('leaves inert what looks like markup, and writes out what cannot be seen', async () => {
    const { root } = await show({ x: 'a' }, { x: '<img src=x onerror=alert(1)>\u202e' });
    expect(root.querySelector('img')).toBeNull();
    expect(root.textContent).toContain('<img src=x onerror=alert(1)>');
    expect(root.textContent).toContain('U+202E');
  });

  it('says so when there is none', async () => {
    const { root } = await show({ a: 1 }, { a: 1 });
    expect(root.textContent?.trim()).toBe('No difference');
  });
});
