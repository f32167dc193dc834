import { freshOpenApi, nameFrom, openApiFaults, toOpenApiImport } from './openapi-draft';

describe('an import of an OpenAPI document', () => {
  it('sends an address or a text, never both, and only what was filled in', () => {
    const draft = {
      ...freshOpenApi,
      name: 'shop',
      address: ' https://x.test/o.json ',
      text: 'left',
    };
    expect(toOpenApiImport(draft, true)).toEqual({
      name: 'shop',
      documentUrl: 'https://x.test/o.json',
      preview: true,
    });
    expect(
      toOpenApiImport(
        {
          ...draft,
          from: 'text',
          text: 'openapi: 3.1.0',
          secret: 'KEY',
          in: 'header',
          key: 'X-Key',
        },
        false,
        ['list'],
      ),
    ).toEqual({
      name: 'shop',
      document: 'openapi: 3.1.0',
      auth: { secret: 'KEY', in: 'header', name: 'X-Key' },
      include: ['list'],
      preview: false,
    });
  });

  it.each([
    ['no name', { name: '' }, 'name'],
    ['a name kept for agents', { name: 'agent-x' }, 'name'],
    ['no address', { address: 'ftp://x' }, 'address'],
    ['no text', { from: 'text' as const }, 'text'],
    ['an odd address of the service', { baseUrl: 'x' }, 'baseUrl'],
    ['a header without a name', { secret: 'K', in: 'header' as const }, 'key'],
  ])('is not sent with %s', (_, more, field) => {
    const draft = { ...freshOpenApi, name: 'shop', address: 'https://x.test', ...more };
    expect(Object.keys(openApiFaults(draft))).toEqual([field]);
  });

  it.each([
    ['https://api.shop.example/v1/openapi.json', 'shop'],
    ['petstore.v3.yaml', 'petstore-v3'],
    ['2024_orders.json', 'orders'],
  ])('is named from %s', (source, name) => expect(nameFrom(source)).toBe(name));
});
