import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { Proposal, SystemConfig, SystemConfigAnswer } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { EditConfig } from './edit-config';
import { words } from './words.en';

const answer = (version: number, timeoutMs: number, model = 'a'): SystemConfigAnswer => ({
  version,
  updatedAt: '2026-11-22T10:00:00.000Z',
  updatedBy: 'user:1',
  comment: '',
  config: { llm: { model }, approvals: { timeoutMs } } as unknown as SystemConfig,
});
const schema = {
  type: 'object',
  properties: {
    llm: { type: 'object', properties: { model: { type: 'string' } } },
    approvals: { type: 'object', properties: { timeoutMs: { type: 'integer' } } },
  },
};

const access = { address: '127.0.0.1', isAllowed: true, isListed: false, ignoresProxy: false };

describe('editing the settings', () => {
  const open = async (inputs: Record<string, unknown> = {}) => {
    TestBed.configureTestingModule({
      imports: [EditConfig],
      providers: [
        provideWords({ settings: words }),
        provideHttpClient(),
        provideHttpClientTesting(),
      ],
    });
    const fixture = TestBed.createComponent(EditConfig);
    fixture.componentRef.setInput('base', answer(3, 1000));
    fixture.componentRef.setInput('schema', schema);
    fixture.componentRef.setInput('section', 'approvals');
    for (const [name, value] of Object.entries(inputs)) fixture.componentRef.setInput(name, value);
    await fixture.whenStable();
    const root = fixture.nativeElement as HTMLElement;
    const http = TestBed.inject(HttpTestingController);
    const button = (index: number) =>
      [...root.querySelectorAll<HTMLButtonElement>('footer button')].at(index)!;
    const settle = async () => {
      await new Promise((resolve) => setTimeout(resolve));
      await fixture.whenStable();
    };
    const field = root.querySelector<HTMLInputElement>('aos-schema-form input')!;
    return { fixture, root, http, button, settle, field };
  };
  const type = (field: HTMLInputElement, value: string) => {
    field.value = value;
    field.dispatchEvent(new Event('input'));
    field.dispatchEvent(new Event('change'));
  };

  it('shows what changes before it saves, and saves upon the version that was read', async () => {
    const { fixture, root, http, button, settle, field } = await open();
    const saved: (SystemConfigAnswer | Proposal)[] = [];
    fixture.componentInstance.saved.subscribe((each) => saved.push(each));
    expect(button(-1).disabled).toBe(true);
    type(field, '2000');
    await settle();
    button(-1).click();
    http
      .expectOne('/config/system/preview')
      .flush({ baseVersion: 3, changes: [], access, removes: [] });
    await settle();
    expect(root.querySelector('aos-difference')?.textContent).toContain('timeoutMs: 2000');
    button(-1).click();
    const save = http.expectOne((request) => request.url.startsWith('/config/system'));
    expect(save.request.headers.get('If-Match')).toBe('"3"');
    expect(save.request.body).toEqual({ llm: { model: 'a' }, approvals: { timeoutMs: 2000 } });
    save.flush(answer(4, 2000));
    await settle();
    expect(saved).toMatchObject([{ version: 4 }]);
  });

  it('puts one’s changes upon a version that was saved meanwhile, when one says so', async () => {
    const { root, http, button, settle, field } = await open();
    type(field, '2000');
    await settle();
    button(-1).click();
    http
      .expectOne('/config/system/preview')
      .flush({ baseVersion: 3, changes: [], access, removes: [] });
    await settle();
    button(-1).click();
    http
      .expectOne((request) => request.method === 'PUT')
      .flush(
        { code: 'precondition_failed', status: 412, title: 'Stale', detail: '', traceId: 't' },
        { status: 412, statusText: 'Stale' },
      );
    await settle();
    http.expectOne('/config/system').flush(answer(4, 1000, 'b'));
    await settle();
    expect(root.querySelectorAll('aos-difference')).toHaveLength(2);
    button(-1).click();
    await settle();
    button(-1).click();
    const save = http.expectOne((request) => request.method === 'PUT');
    expect(save.request.headers.get('If-Match')).toBe('"4"');
    expect(save.request.body).toEqual({ llm: { model: 'b' }, approvals: { timeoutMs: 2000 } });
  });

  const removes = [
    {
      part: 'spans',
      weeks: 3,
      bytes: 1_200_000,
      from: '2026-10-05T00:00:00.000Z',
      until: '2026-10-26T00:00:00.000Z',
    },
  ];

  it('says what history goes for good before it is saved', async () => {
    const { root, http, button, settle, field } = await open();
    type(field, '2000');
    await settle();
    button(-1).click();
    http
      .expectOne('/config/system/preview')
      .flush({ baseVersion: 3, changes: [], access, removes });
    await settle();
    const said = root.querySelector('[role=alert]')?.textContent;
    expect(said).toContain('takes history away for good');
    expect(said).toMatch(/Spans of traces: 3 weeks, 5 Oct 2026 to 25 Oct 2026 \(1.2 MB\)/);
  });

  it('looks at an older version before it is brought back', async () => {
    const { root, http, settle } = await open({ restore: answer(1, 500).config });
    await settle();
    const preview = http.expectOne('/config/system/preview');
    expect(preview.request.body).toMatchObject({ approvals: { timeoutMs: 500 } });
    preview.flush({ baseVersion: 3, changes: [], access, removes });
    await settle();
    expect(root.textContent).toContain('Spans of traces: 3 weeks');
    expect(root.querySelector('aos-difference')).not.toBeNull();
  });

  it('names the variables that win over what is saved here', async () => {
    const overrides = [{ path: 'telemetry.endpoint', variable: 'OTEL_EXPORTER_OTLP_ENDPOINT' }];
    const telemetry = { type: 'object', properties: { endpoint: { type: 'string' } } };
    const { root } = await open({
      overrides,
      section: 'telemetry',
      schema: { ...schema, properties: { ...schema.properties, telemetry } },
    });
    expect(root.querySelector('.warn')?.textContent).toContain('OTLP address');
    expect(root.querySelector('.warn')?.textContent).toContain('OTEL_EXPORTER_OTLP_ENDPOINT');
  });
});
