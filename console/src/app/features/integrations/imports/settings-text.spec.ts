import { readSettings, serversOf } from './settings-text';

describe('the settings of another program', () => {
  it('may hold comments and trailing commas', () => {
    const text =
      '{\n // of VS Code\n "servers": { "a": { "url": "https://x.test/a//b", }, }, /* end */\n}';
    expect(readSettings(text)).toEqual({
      document: { servers: { a: { url: 'https://x.test/a//b' } } },
    });
  });

  it.each([
    [
      'mcpServers beside others',
      { mcpServers: { a: {} }, theme: 'dark' },
      { mcpServers: { a: {} } },
    ],
    ['servers', { servers: { a: {} }, inputs: [] }, { servers: { a: {} } }],
    ["VS Code's own settings", { mcp: { servers: { a: {} } } }, { servers: { a: {} } }],
    ['none', { theme: 'dark' }, {}],
  ])('give %s to the server', (_, document, servers) => {
    expect(serversOf(document)).toEqual(servers);
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
