import { type Type, inputBinding } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { pageOf } from '../../../testing/page';
import { provideWords } from '../../../testing/transloco';
import { Revealed } from './revealed';
import { Verbatim } from './verbatim';

async function show(part: Type<unknown>, text: string) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const inputs = { value: text, text, label: 'Result' };
  const fixture = TestBed.createComponent(part, {
    bindings: (part === Verbatim ? (['value', 'label'] as const) : (['text'] as const)).map(
      (name) => inputBinding(name, () => inputs[name]),
    ),
  });
  await fixture.whenStable();
  const page = pageOf(fixture);
  return { ...page, drawn: () => page.find('pre, bdi').textContent!.trim() };
}
const megabyte = 'a'.repeat(1_048_576);

describe('a text of any length', () => {
  it.each<[string, Type<unknown>, number, string]>([
    ['a result', Verbatim, 100_000, 'Show all'],
    ['a line', Revealed, 10_000, 'Show all 1,048,576 characters'],
  ])(
    'is drawn as far as is read at once, and whole when asked for: %s',
    async (_, part, most, all) => {
      const { drawn, find, press, button } = await show(part, megabyte);
      expect(drawn()).toHaveLength(most);
      if (part === Verbatim)
        expect(find('[role=status]').textContent).toContain('The first 100,000 of 1,048,576');
      await press(all);
      expect(drawn()).toHaveLength(megabyte.length);
      expect(button(all)).toBeUndefined();
    },
  );

  it('is drawn whole, without a word, up to there', async () => {
    const { drawn, root } = await show(Verbatim, megabyte.slice(0, 100_000));
    expect(drawn()).toHaveLength(100_000);
    expect(root.querySelector('button')).toBeNull();
  });
});
