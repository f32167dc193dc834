import { isTyping } from './typing';

function keyFrom(element: Element, under: Node = document.body): boolean | undefined {
  let answer: boolean | undefined;
  const listen = (event: Event) => (answer = isTyping(event));
  document.addEventListener('keydown', listen);
  under.appendChild(element);
  element.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'g', bubbles: true, composed: true, cancelable: true }),
  );
  document.removeEventListener('keydown', listen);
  element.remove();
  return answer;
}
const field = (type: string) => Object.assign(document.createElement('input'), { type });

describe('isTyping', () => {
  it('is true in a field, and in one within a shadow root', () => {
    expect(keyFrom(field('text'))).toBe(true);
    expect(keyFrom(document.createElement('textarea'))).toBe(true);
    const host = document.body.appendChild(document.createElement('div'));
    expect(keyFrom(field('text'), host.attachShadow({ mode: 'open' }))).toBe(true);
    host.remove();
  });
  it('is false where a letter writes nothing', () => {
    expect(keyFrom(document.createElement('button'))).toBe(false);
    expect(keyFrom(field('checkbox'))).toBe(false);
  });
});
