import { isBinary } from './artifact-view';
import { kindOf, languageOf } from './artifact-kind';

describe('the kind of an artifact', () => {
  it.each([
    ['image/svg+xml', 'a.svg', 'image'],
    ['text/csv; charset=utf-8', 'a', 'table'],
    ['application/octet-stream', 'a.TSV', 'table'],
    ['text/markdown', 'a', 'markdown'],
    ['application/ld+json', 'a', 'json'],
    ['text/x-diff', 'a', 'diff'],
    ['text/plain', 'fix.patch', 'diff'],
    ['application/pdf', 'a', 'pdf'],
    ['text/plain', 'main.py', 'code'],
    ['text/html', 'page.html', 'code'],
    ['application/octet-stream', 'Dockerfile', 'code'],
    ['text/plain', 'notes.txt', 'text'],
    ['application/zip', 'a.zip', 'other'],
  ])('%s, %s is %s', (mediaType, name, expected) => {
    expect(kindOf({ artifactId: '1', mediaType, name })).toBe(expected);
  });

  it('names the language of code', () => {
    const of = (name: string) => languageOf({ artifactId: '1', mediaType: 'text/plain', name });
    expect([of('a.tsx'), of('a.sql'), of('a.yml'), of('a')]).toEqual([
      'c-like',
      'sql',
      'yaml',
      'text',
    ]);
  });

  it('tells text from what is none', () => {
    expect(isBinary('plain, 中文, \u001b[31mred\u001b[0m')).toBe(false);
    expect(isBinary('PK\u0003\u0004\u0000')).toBe(true);
    expect(isBinary('\ufffd\ufffd\ufffd of bytes that are no UTF-8')).toBe(true);
  });
});
