import { TestBed } from '@angular/core/testing';
import { type ImportOpenApi, type Permission, inEnglish, say } from '@aos/contracts';
import { Subject, of, throwError } from 'rxjs';
import { pageOf } from '../../../../testing/page';
import { provideSession } from '../../../../testing/session';
import { provideWords } from '../../../../testing/transloco';
import { AosApi } from '../../../shared/api/aos-api';
import { IntegrationsApi } from '../integrations-api';
import { words } from '../words.en';
import { ImportOpenApiDialog } from './import-openapi';

const why = say('import-off');
const tool = (name: string, method: string, path: string) => ({
  ...{ name, method, path, title: name, description: '', inputSchema: {} },
});
const preview = {
  ...{ name: 'shop', baseUrl: 'https://shop.example', server: null },
  tools: [
    tool('listOrders', 'get', '/orders'),
    tool('addOrder', 'post', '/orders'),
    tool('ping', 'get', '/ping'),
  ],
  refused: [{ operation: 'get /old', why: inEnglish(why), said: why }],
};
const refused = {
  ...{ type: 'about:blank', code: 'conflict', status: 409, title: 'The name is taken' },
  ...{ detail: '', traceId: '', errors: [{ path: 'name', message: 'shop is there already' }] },
};

async function show(answer: (body: ImportOpenApi) => unknown, permissions: Permission[] = []) {
  const sent: ImportOpenApi[] = [];
  TestBed.configureTestingModule({
    imports: [ImportOpenApiDialog],
    providers: [
      provideWords({ integrations: words }),
      provideSession(...permissions),
      { provide: AosApi, useValue: { secretNames: () => of(['SHOP_KEY']) } },
      {
        provide: IntegrationsApi,
        useValue: {
          importOpenApi: (body: ImportOpenApi) => {
            sent.push(body);
            return answer(body);
          },
        },
      },
    ],
  });
  const fixture = TestBed.createComponent(ImportOpenApiDialog);
  const registered: unknown[] = [];
  fixture.componentInstance.registered.subscribe((server) => registered.push(server));
  await fixture.whenStable();
  const page = pageOf(fixture);
  const operations = () =>
    [...page.root.querySelectorAll<HTMLElement>('[data-operation]')].map(
      ({ dataset }) => dataset['operation'],
    );
  return { ...page, sent, registered, operations };
}
const address = 'https://api.shop.example/openapi.json';

describe('the import of an OpenAPI document', () => {
  it('asks nobody before it knows where the document is and what the server is called', async () => {
    const { submit, write, faults, sent, find } = await show(() => of(preview));
    await submit();
    expect(faults()).toEqual([words.urlFault, words.nameFault]);
    await write('#openapi-address', address);
    expect(find<HTMLInputElement>('#openapi-name').value).toBe('shop');
    expect(faults()).toEqual([]);
    expect(sent).toEqual([]);
    await submit();
    expect(sent).toEqual([{ name: 'shop', documentUrl: address, preview: true }]);
  });

  it('shows of an operation that is elsewhere where that is', async () => {
    const tools = [
      { ...tool('upload', 'post', '/files'), baseUrl: 'https://files.example/v2' },
      tool('ping', 'get', '/ping'),
    ];
    const { submit, write, root } = await show(() => of({ ...preview, tools }));
    await write('#openapi-address', address);
    await submit();
    const paths = [...root.querySelectorAll('[data-operation] code.muted')];
    expect(paths.map((each) => each.textContent)).toEqual([
      'https://files.example/v2/files',
      '/ping',
    ]);
  });

  it('keeps the name that somebody has given it', async () => {
    const { write, find } = await show(() => of(preview));
    await write('#openapi-name', 'orders');
    await write('#openapi-address', address);
    expect(find<HTMLInputElement>('#openapi-name').value).toBe('orders');
  });

  it('shows what would be added and what is left out, and adds what was chosen', async () => {
    const server = { name: 'shop' };
    const { submit, write, press, sent, registered, operations, root } = await show(
      ({ preview: isPreview }) => of(isPreview ? preview : { ...preview, server }),
    );
    await write('#openapi-address', address);
    await submit();
    expect(operations()).toEqual(['listOrders', 'addOrder', 'ping']);
    expect(root.textContent).toContain('is switched off where it comes from');
    await write('[type=search]', 'orders');
    expect(operations()).toEqual(['listOrders', 'addOrder']);
    await press(words.import.noneOf);
    expect(registered).toEqual([]);
    await press('Add with 1 tools');
    expect(sent.at(-1)).toMatchObject({ include: ['ping'], preview: false });
    expect(registered).toEqual([server]);
  });

  it('adds nothing where nothing is chosen, or nobody knows where to ask', async () => {
    const { submit, write, press, button } = await show(() => of(preview));
    await write('#openapi-address', address);
    await submit();
    await press(words.import.noneOf);
    expect(button('Add with 0 tools')?.disabled).toBe(true);
    TestBed.resetTestingModule();
    const other = await show(() => of({ ...preview, baseUrl: null }));
    await other.write('#openapi-address', address);
    await other.submit();
    expect(other.root.textContent).toContain(words.import.noBase);
    expect(other.button('Add with 3 tools')?.disabled).toBe(true);
  });

  it('says why it was refused, keeps what was typed, and is tried again', async () => {
    let isRefused = true;
    const { submit, write, find, has, operations } = await show(() =>
      isRefused ? throwError(() => refused) : of(preview),
    );
    await write('#openapi-address', address);
    await submit();
    expect(find('aos-problem').textContent).toContain('shop is there already');
    expect(find<HTMLInputElement>('#openapi-address').value).toBe(address);
    isRefused = false;
    await write('#openapi-name', 'shop-two');
    expect(has('aos-problem')).toBe(false);
    await submit();
    expect(operations()).toHaveLength(3);
  });

  it('keeps the choice where adding was refused', async () => {
    const { submit, settle, write, press, find, button } = await show(({ preview: isPreview }) =>
      isPreview ? of(preview) : throwError(() => refused),
    );
    await write('#openapi-address', address);
    await submit();
    find('[data-operation=ping] input').click();
    await settle();
    await press('Add with 2 tools');
    expect(find('aos-problem').textContent).toContain('shop is there already');
    expect(button('Add with 2 tools')?.disabled).toBe(false);
  });

  it('is not sent twice while it is under way', async () => {
    const answer = new Subject<unknown>();
    const { submit, write, sent, find } = await show(() => answer);
    await write('#openapi-address', address);
    find<HTMLFormElement>('form').dispatchEvent(new Event('submit', { cancelable: true }));
    await submit();
    expect(sent).toHaveLength(1);
  });

  it('offers secrets only to whoever may name them', async () => {
    expect((await show(() => of(preview))).has('#openapi-secret')).toBe(false);
    TestBed.resetTestingModule();
    const { write, submit, faults, sent } = await show(() => of(preview), ['secret.write']);
    await write('#openapi-address', address);
    await write('#openapi-secret', 'SHOP_KEY');
    await write('#openapi-in', 'header');
    await submit();
    expect(faults()).toEqual([words.import.keyFault]);
    await write('#openapi-key', 'X-Key');
    await submit();
    expect(sent.at(-1)?.auth).toEqual({ secret: 'SHOP_KEY', in: 'header', name: 'X-Key' });
  });
});
