import { Redactor } from './redactor.js';

const VALUE = 'canary-Value/of+a secret-1234567890';
const redactor = new Redactor();
redactor.know('CANARY', VALUE);
redactor.know('PIN', '4711');

const forms = {
  plain: VALUE,
  base64: Buffer.from(VALUE).toString('base64').replace(/=+$/, ''),
  'URL-encoded': encodeURIComponent(VALUE),
  hex: Buffer.from(VALUE).toString('hex'),
};
const cut = (text: string, ...at: number[]) =>
  [0, ...at].map((from, index) => text.slice(from, [...at, text.length][index]));

describe('a value that is sent bit by bit', () => {
  it.each(Object.entries(forms))('is in none of them, nor in all together: %s', (_, form) => {
    const text = `it is ${form}, be quiet`;
    for (let at = 7; at < text.length - 10; at++)
      for (const bits of [cut(text, at), cut(text, at, at + 3), cut(text, at - 5, at, at + 9)]) {
        const pieces = redactor.pieces();
        const sent = bits.map((bit) => pieces(bit)).join('');
        expect(sent).not.toContain(form);
        expect(sent).toMatch(/^it is .*be quiet$/);
      }
  });

  it('leaves less than eight characters of it, wherever it is cut', () => {
    for (let at = 1; at < VALUE.length; at++) {
      const pieces = redactor.pieces();
      const [first, second] = cut(VALUE, at).map((bit) => pieces(bit));
      expect(first).toBe(at < 8 ? VALUE.slice(0, at) : '[secret CANARY]');
      expect(second).toBe('[secret CANARY]');
    }
  });

  it('is taken out of what is in lists and objects as well, and what is beside it stays', () => {
    const pieces = redactor.pieces();
    expect(pieces({ a: ['x', VALUE.slice(0, 20)] })).toEqual({ a: ['x', '[secret CANARY]'] });
    expect(pieces([`${VALUE.slice(20)} and more`, 7])).toEqual(['[secret CANARY] and more', 7]);
    expect(pieces(`4711`)).toBe('[secret PIN]');
    expect(pieces('the canary flies')).toBe('the canary flies');
    expect(pieces('canary-X')).toBe('canary-X');
  });

  it('is nothing to those of another call', () => {
    redactor.pieces()(VALUE.slice(0, 5));
    expect(redactor.pieces()(VALUE.slice(5))).toBe(VALUE.slice(5));
  });
});
