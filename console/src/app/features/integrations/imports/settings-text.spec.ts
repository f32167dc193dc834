import { readSettings } from './settings-text';

describe('the settings of another program', () => {
  it('may hold comments and trailing commas', () => {
    const text =
      '{\n // of VS Code\n "servers": { "a": { "url": "https://x.test/a//b", }, }, /* end */\n}';
    expect(readSettings(text)).toEqual({
      document: { servers: { a: { url: 'https://x.test/a//b' } } },
    });
  });

  it.each([
    ['cut off', '{"mcpServers": {'],
    ['no object', '[1]'],
    ['nothing', ''],
  ])('tell where they are %s', (_, text) => {
    const read = readSettings(text);
    expect('faults' in read && read.faults.length).toBeGreaterThan(0);
  });
});
