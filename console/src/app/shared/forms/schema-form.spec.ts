import { Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { type FormFault, schemaFaults, toPointer } from './schema-faults';
import { SchemaForm } from './schema-form';
import { SchemaReader } from './schema-reader';

@Component({
  imports: [SchemaForm],
  template: `<aos-schema-form
    [schema]="schema()"
    [value]="value()"
    [faults]="faults()"
    [disabled]="disabled()"
    (changed)="value.set($event)"
    (broken)="broken.set($event)"
  />`,
})
class Page {
  readonly schema = signal<unknown>({});
  readonly value = signal<unknown>({});
  readonly faults = signal<FormFault[]>([]);
  readonly disabled = signal(false);
  readonly broken = signal(false);
}

async function show(schema: unknown, value?: unknown, faults: FormFault[] = []) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(Page);
  const page = fixture.componentInstance;
  page.schema.set(schema);
  page.value.set(value ?? new SchemaReader(schema).start(schema));
  page.faults.set(faults);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  document.body.append(host);
  const named = (name: string) => {
    const label = [...host.querySelectorAll('label')].find(
      (each) => each.textContent?.trim() === name,
    );
    if (!label) throw new Error(`no field ${name} in: ${host.textContent}`);
    return document.getElementById(label.getAttribute('for') ?? '') as HTMLInputElement;
  };
  const settle = () => fixture.whenStable();
  return {
    page,
    host,
    named,
    settle,
    async type(name: string, text: string) {
      const field = named(name);
      field.value = text;
      field.dispatchEvent(new Event('input'));
      field.dispatchEvent(new Event('change'));
      await settle();
    },
    async press(name: string | RegExp) {
      const buttons = [...host.querySelectorAll('button')];
      const button = buttons.find((each) => {
        const text = each.getAttribute('aria-label') ?? each.textContent?.trim() ?? '';
        return typeof name === 'string' ? text === name : name.test(text);
      });
      if (!button) throw new Error(`no button ${name}`);
      button.click();
      await settle();
    },
  };
}

const object = (properties: object, required: string[] = [], more: object = {}) => ({
  type: 'object',
  properties,
  required,
  ...more,
});

afterEach(() => document.body.replaceChildren());

describe('the form made from a schema', () => {
  it('has a field for each property, says which are required, and helps under them', async () => {
    const { host, type, page } = await show(
      object(
        {
          path: { type: 'string', description: 'Where the file is' },
          head: { type: 'integer', title: 'First lines' },
        },
        ['path'],
      ),
    );
    expect(host.textContent).toContain('Where the file is');
    expect(host.querySelectorAll('.required')).toHaveLength(1);
    await type('path', '/data/a.csv');
    await type('First lines', '12');
    expect(page.value()).toEqual({ path: '/data/a.csv', head: 12 });
  });

  it('asks first for what must be filled in, and keeps the order besides', async () => {
    const { host } = await show({
      type: 'object',
      properties: { a: { type: 'string' }, to: { type: 'string' }, b: { type: 'string' } },
      required: ['to'],
    });
    const names = [...host.querySelectorAll('label')].map(({ textContent }) => textContent?.trim());
    expect(names).toEqual(['to', 'a', 'b']);
  });

  it('leaves out what is emptied and not required, and keeps what is', async () => {
    const { type, page } = await show(
      object({ a: { type: 'string' }, b: { type: 'string' } }, ['a']),
      { a: 'x', b: 'y' },
    );
    await type('a', '');
    await type('b', '');
    expect(page.value()).toEqual({ a: '' });
  });

  it('keeps a number that is none as typed, and does not round one that is too long', async () => {
    const schema = object({ n: { type: 'number' } });
    const { type, page, named } = await show(schema);
    await type('n', '1.');
    expect(page.value()).toEqual({ n: 1 });
    expect(named('n').value).toBe('1.');
    await type('n', '1.2.3');
    expect(schemaFaults(new SchemaReader(schema), page.value())).toEqual([
      { path: '/n', word: 'number' },
    ]);
    await type('n', '9007199254740993');
    expect(page.value()).toEqual({ n: '9007199254740993' });
  });

  it('offers choices as a list, with values that are not text kept as they are', async () => {
    const { type, page, named } = await show(object({ level: { enum: ['low', 3, null] } }));
    expect(
      [...named('level').querySelectorAll('option')].map((o) => o.textContent?.trim()),
    ).toEqual(['Not set', 'low', '3', 'null']);
    await type('level', '1');
    expect(page.value()).toEqual({ level: 3 });
    await type('level', '');
    expect(page.value()).toEqual({});
  });

  it('switches a boolean', async () => {
    const { named, page, settle } = await show(object({ dry: { type: 'boolean' } }, ['dry']));
    expect(page.value()).toEqual({ dry: false });
    expect(named('dry').getAttribute('role')).toBe('switch');
    named('dry').click();
    await settle();
    expect(page.value()).toEqual({ dry: true });
  });

  it('leaves a yes or no open that nobody must answer, and lets an answer be taken back', async () => {
    const { named, page, type } = await show(object({ header: { type: 'boolean' } }));
    const chosen = () =>
      (named('header') as unknown as HTMLSelectElement).selectedOptions[0]?.textContent?.trim();
    expect(named('header').getAttribute('role')).toBeNull();
    expect(chosen()).toBe('Not set');
    expect(page.value()).toEqual({});
    await type('header', 'no');
    expect(page.value()).toEqual({ header: false });
    expect(chosen()).toBe('No');
    await type('header', 'yes');
    expect(page.value()).toEqual({ header: true });
    await type('header', '');
    expect(page.value()).toEqual({});
  });

  it('shows what holds where nothing is said as a switch that stands so', async () => {
    const { named } = await show(object({ trim: { type: 'boolean', default: true } }), {});
    expect(named('trim').getAttribute('role')).toBe('switch');
    expect(named('trim').checked).toBe(true);
  });

  it('adds to a list and takes out of it, in place', async () => {
    const { press, type, page, host } = await show(
      object({ names: { type: 'array', items: { type: 'string' } } }, ['names']),
    );
    await press('Add item');
    await press('Add item');
    await type('Item 1', 'a');
    await type('Item 2', 'b');
    expect(page.value()).toEqual({ names: ['a', 'b'] });
    await press('Remove Item 1');
    expect(page.value()).toEqual({ names: ['b'] });
    expect(host.querySelectorAll('input')).toHaveLength(1);
  });

  it('folds an optional group until someone wants it', async () => {
    const { press, type, page } = await show(
      object({ rules: object({ drop: { type: 'string' }, keep: { const: 'all' } }, ['keep']) }),
    );
    expect(page.value()).toEqual({});
    await press('Fill in rules');
    expect(page.value()).toEqual({ rules: { keep: 'all' } });
    await type('drop', 'x');
    expect(page.value()).toEqual({ rules: { keep: 'all', drop: 'x' } });
    await press('Leave out rules');
    expect(page.value()).toEqual({});
  });

  it('shows one of several, and changes what is filled in with the choice', async () => {
    const schema = object(
      {
        source: {
          oneOf: [
            object({ kind: { const: 'file' }, path: { type: 'string' } }, ['kind', 'path']),
            object({ kind: { const: 'web' }, url: { type: 'string' } }, ['kind', 'url']),
          ],
        },
      },
      ['source'],
    );
    const { type, page, named } = await show(schema, { source: { kind: 'web', url: 'u' } });
    expect(named('url').value).toBe('u');
    await type('source', '0');
    expect(page.value()).toEqual({ source: { kind: 'file' } });
    await type('path', '/a');
    expect(page.value()).toEqual({ source: { kind: 'file', path: '/a' } });
  });

  it('takes what may be null as a choice', async () => {
    const { type, page, named } = await show(object({ note: { type: ['string', 'null'] } }));
    expect([...named('note').querySelectorAll('option')].map((o) => o.textContent?.trim())).toEqual(
      ['Not set', 'Text', 'Nothing (null)'],
    );
    await type('note', '1');
    expect(page.value()).toEqual({ note: null });
  });

  it('takes keys that the schema does not name, where it takes any', async () => {
    const { host, press, type, page, settle } = await show(
      object({ allowed: { type: 'object', additionalProperties: { type: 'integer' } } }, [
        'allowed',
      ]),
    );
    const name = host.querySelector<HTMLInputElement>('.add input')!;
    name.value = '__proto__';
    name.dispatchEvent(new Event('input'));
    await settle();
    await press('Add');
    await type('__proto__', '4');
    const allowed = (page.value() as { allowed: object }).allowed;
    expect(Object.entries(allowed)).toEqual([['__proto__', 4]]);
    await press('Remove __proto__');
    expect(page.value()).toEqual({ allowed: {} });
  });

  it('follows references, and ends where they go in a circle', async () => {
    const schema = {
      $defs: {
        tree: object({ name: { type: 'string' }, child: { $ref: '#/$defs/tree' } }, ['name']),
        a: { $ref: '#/$defs/b' },
        b: { $ref: '#/$defs/a' },
      },
      ...object({ tree: { $ref: '#/$defs/tree' }, odd: { $ref: '#/$defs/a' } }, ['tree']),
    };
    const { press, named, host } = await show(schema);
    expect(named('name')).toBeTruthy();
    expect(named('odd').tagName).toBe('TEXTAREA');
    await press('Fill in child');
    expect(host.querySelectorAll('button')).not.toHaveLength(0);
  });

  it('ends a schema that requires itself within itself', async () => {
    const { host } = await show({
      $defs: { n: object({ n: { $ref: '#/$defs/n' } }, ['n']) },
      $ref: '#/$defs/n',
    });
    expect(host.querySelectorAll('aos-json-input')).toHaveLength(1);
  });

  it('takes JSON where it cannot make a form, and holds back what is none', async () => {
    const { type, page } = await show(object({ any: {} }));
    await type('any', '{"a": [1');
    expect(page.value()).toEqual({});
    expect(page.broken()).toBe(true);
    await type('any', '{"a": [1]}');
    expect(page.value()).toEqual({ any: { a: [1] } });
    expect(page.broken()).toBe(false);
  });

  it('shows the whole as JSON and back', async () => {
    const { host, press, page, settle, named } = await show(object({ a: { type: 'string' } }), {
      a: 'x',
    });
    await press('JSON');
    const raw = host.querySelector('textarea')!;
    expect(JSON.parse(raw.value)).toEqual({ a: 'x' });
    raw.value = '{"a":"y","more":1}';
    raw.dispatchEvent(new Event('input'));
    await settle();
    await press('Form');
    expect(named('a').value).toBe('y');
    expect(page.value()).toEqual({ a: 'y', more: 1 });
    expect(named('more').value).toBe('1');
  });

  it('says what is wrong at the field where it is, in its own words and in the server’s', async () => {
    const { named, host, page, settle } = await show(
      object({ a: { type: 'string' }, list: { type: 'array', items: { type: 'number' } } }),
      { a: '', list: [1, 2] },
      [
        { path: 'list[1]', message: 'must be >= 5' },
        { path: '/a', word: 'required' },
        { path: 'gone', message: 'is odd' },
      ],
    );
    const beside = (name: string) =>
      document.getElementById(named(name).getAttribute('aria-describedby') ?? '')?.textContent;
    expect(beside('Item 2')).toContain('must be >= 5');
    expect(named('Item 2').getAttribute('aria-invalid')).toBe('true');
    expect(named('Item 1').getAttribute('aria-invalid')).toBeNull();
    expect(beside('a')).toContain('Needs a value.');
    expect(host.textContent).toContain('is odd');
    page.faults.set([]);
    await settle();
    expect(host.textContent).not.toContain('must be');
  });

  it('shows the words of a stranger as text, with what cannot be seen written out', async () => {
    const { host } = await show(
      object({ a: { type: 'string', description: '<img src=x onerror=alert(1)> \u202Eabc' } }),
    );
    expect(host.querySelector('img')).toBeNull();
    expect(host.querySelector('mark')?.textContent).toBe('U+202E');
  });

  it('runs no regular expression of the schema', async () => {
    const schema = object({ a: { type: 'string', pattern: '(a+)+$' } });
    const began = performance.now();
    const value = { a: `${'a'.repeat(60)}!` };
    expect(schemaFaults(new SchemaReader(schema), value)).toEqual([]);
    await show(schema, value);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('can be looked at by who may not change it', async () => {
    const { host, page, settle } = await show(
      object({ a: { type: 'string' }, l: { type: 'array', items: {} } }, ['l']),
    );
    page.disabled.set(true);
    await settle();
    expect([...host.querySelectorAll('input')].every((each) => each.disabled)).toBe(true);
    expect(host.textContent).not.toContain('Add item');
  });
});

describe('what is checked before the server is asked', () => {
  const faults = (schema: unknown, value: unknown) =>
    schemaFaults(new SchemaReader(schema), value).map((fault) => [
      fault.path,
      'word' in fault ? fault.word : '',
    ]);

  it.each<[string, unknown, unknown, string[][]]>([
    ['missing', object({ a: {} }, ['a']), {}, [['/a', 'required']]],
    ['unknown', object({}, [], { additionalProperties: false }), { x: 1 }, [['/x', 'unknown']]],
    ['short', object({ a: { type: 'string', minLength: 3 } }), { a: 'ab' }, [['/a', 'short']]],
    ['long', object({ a: { type: 'string', maxLength: 1 } }), { a: '😀' }, []],
    ['least', object({ a: { type: 'number', minimum: 3 } }), { a: 2 }, [['/a', 'least']]],
    ['below', object({ a: { type: 'number', exclusiveMaximum: 3 } }), { a: 3 }, [['/a', 'below']]],
    ['many', object({ a: { type: 'array', maxItems: 1 } }), { a: [1, 2] }, [['/a', 'many']]],
    [
      'allOf',
      { allOf: [object({ a: { type: 'string' } }, ['a']), object({}, ['b'])] },
      {},
      [['/a', 'required']],
    ],
    ['one that fits', { anyOf: [{ type: 'string' }, { type: 'number' }] }, 3, []],
    ['slashes', object({ 'a/b': { type: 'string' } }), { 'a/b': 1 }, [['/a~1b', 'string']]],
  ])('%s', (_, schema, value, expected) => {
    expect(faults(schema, value)).toEqual(expected);
  });

  it('reads a place as the server writes it', () => {
    expect(toPointer('a.b[0]', { a: { b: [1] } })).toBe('/a/b/0');
    expect(toPointer('a.b', { 'a.b': 1 })).toBe('/a.b');
    expect(toPointer('rows[2].x/y', { rows: [] })).toBe('/rows/2/x~1y');
    expect(toPointer('', {})).toBe('');
  });

  it('gives up a value and schema that would take for ever', () => {
    let schema: object = { type: 'string' };
    for (let n = 0; n < 10; n += 1)
      schema = { anyOf: Array.from({ length: 8 }, () => object({ a: schema })) };
    const value = JSON.parse('{"a":'.repeat(10) + '1' + '}'.repeat(10)) as unknown;
    const began = performance.now();
    schemaFaults(new SchemaReader(schema), value);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});
