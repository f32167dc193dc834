import type { McpTool } from '@aos/contracts';
import { insertPhrase, phraseFor } from './phrases';

const tool = (name: string, required: string[] = []): McpTool => ({
  ...{ server: 'x', name, tool: name, aggregateName: name, title: null, description: '' },
  inputSchema: {
    type: 'object',
    required,
    properties: Object.fromEntries(required.map((key) => [key, { type: 'string' }])),
  },
  ...{ outputSchema: null, idempotent: true, readOnly: true },
});

describe('a phrase for a skill', () => {
  it.each([
    ['skills.csv.profile', 'a.csv', 'profile a.csv‸'],
    ['skills.csv.clean', 'my data.csv', 'clean "my data.csv"‸'],
    ['skills.csv.clean', null, 'clean ‸'],
    ['skills.viz.plot', 'a.csv', 'plot a.csv by ‸'],
    ['skills.viz.plot', null, 'plot by ‸'],
    ['skills.text.report', 'a.csv', 'write a report‸'],
  ])('%s with %s', (name, file, expected) => expect(phraseFor(tool(name), file)).toBe(expected));

  it('names any tool that needs no more than a file, and leaves the rest to steps', () => {
    expect(phraseFor(tool('a.read', ['file']), 'a.csv')).toBe('a.read a.csv‸');
    expect(phraseFor(tool('a.list'), null)).toBe('a.list‸');
    expect(phraseFor(tool('a.copy', ['from', 'to']), null)).toBeNull();
  });

  it('is joined to what stands before it', () => {
    expect(insertPhrase('profile a.csv /cl', 14, 17, 'clean a.csv‸')).toEqual({
      text: 'profile a.csv and clean a.csv',
      cursor: 29,
    });
    expect(insertPhrase('/', 0, 1, 'clean ‸').text).toBe('clean ');
    expect(insertPhrase('first, /', 7, 8, 'clean‸').text).toBe('first, clean');
  });
});
