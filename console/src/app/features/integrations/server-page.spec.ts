import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { McpServerInfo } from '@aos/contracts';
import { NEVER, type Observable, of } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { ServerPage } from './server-page';
import { words } from './words.en';

const at = '2026-11-22T10:00:00.000Z';
const server: McpServerInfo = {
  ...{ name: 'shop', url: 'https://shop.example/mcp', transport: 'http', command: null, args: [] },
  ...{ description: 'The shop', authSecret: null, oauth: null, caps: {}, enabled: true },
  health: { state: 'healthy', checkedAt: at, error: null, latencyMs: 4 },
  quota: { perMinute: null, perDay: null, concurrent: { limit: 16, used: 0 } },
  limits: {},
  circuit: { state: 'closed', retryAt: null },
  stats: { windowSeconds: 60, calls: 0, errors: 0, errorRate: 0, p50Ms: null, p95Ms: null },
  pins: { changed: 0, quarantined: 0 },
  leftOut: [],
  ...{ tools: 0, timeoutMs: 30_000, idempotentTools: [], version: 1 },
  ...{ createdAt: at, updatedAt: at },
};

async function show(api: Record<string, () => Observable<unknown>>) {
  TestBed.configureTestingModule({
    imports: [ServerPage],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      provideSession('tool.write'),
      {
        provide: IntegrationsApi,
        useValue: { server: () => of(server), activity: () => of([]), tools: () => of([]), ...api },
      },
    ],
  });
  const fixture = TestBed.createComponent(ServerPage);
  fixture.componentRef.setInput('server', 'shop');
  await fixture.whenStable();
  return pageOf(fixture);
}

describe('the page of a server', () => {
  it('says its name, and where the rest will stand, while it is asked for', async () => {
    const { find, has } = await show({ server: () => NEVER });
    expect(find('h1').textContent).toBe('shop');
    expect(has('.skeleton')).toBe(true);
  });

  it.each([
    [words.test, 'try'],
    [words.switchOff, 'change'],
  ])('sends one order, however fast %s is pressed twice', async (name, order) => {
    let sent = 0;
    const { button, settle } = await show({
      [order]: () => {
        sent += 1;
        return NEVER;
      },
    });
    const found = button(name)!;
    found.click();
    found.click();
    await settle();
    expect(sent).toBe(1);
  });
});
