import { jest } from '@jest/globals';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { McpServerInfo, ServerStanding } from '@aos/contracts';
import { of } from 'rxjs';
import { serverInfo } from '../../../testing/factories';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { ServersPage } from './servers-page';
import { words } from './words.en';

const standing = (more: Partial<ServerStanding> = {}): ServerStanding => ({
  ...{ name: 'shop', version: 1, state: 'healthy', circuit: 'closed', tools: 0 },
  ...more,
});

/** Once asked for all of it, and then as it is told of. */
function show() {
  const asked: string[] = [];
  const told: { servers: McpServerInfo[]; now: ServerStanding[] } = {
    servers: [serverInfo],
    now: [standing()],
  };
  TestBed.configureTestingModule({
    imports: [ServersPage],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      provideSession('tool.write'),
      {
        provide: IntegrationsApi,
        useValue: {
          servers: () => (asked.push('all'), of(told.servers)),
          standings: () => (asked.push('now'), of(told.now)),
          activity: () => of([]),
          tools: () => of([]),
        },
      },
    ],
  });
  const fixture = TestBed.createComponent(ServersPage);
  fixture.detectChanges();
  const later = () => {
    jest.advanceTimersByTime(10_100);
    fixture.detectChanges();
  };
  return { ...pageOf(fixture), asked, told, later };
}

describe('the list of the tool servers', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks how they do, and not again what they were registered as', () => {
    const { root, asked, told, later } = show();
    told.now = [standing({ state: 'unhealthy', error: 'Nobody answers there' })];
    later();
    expect(root.textContent).toContain(words.state.unreachable);
    expect(root.textContent).toContain('Nobody answers there');
    told.now = [standing()];
    later();
    expect(root.textContent).not.toContain('Nobody answers there');
    expect(asked).toEqual(['all', 'now', 'now']);
  });

  it.each<[string, Partial<ServerStanding>[]]>([
    ['one was changed', [{ version: 2 }]],
    ['one was added', [{}, { name: 'stock' }]],
    ['one is in the place of another', [{ name: 'stock' }]],
  ])('asks for all of them once %s', (_, now) => {
    const { root, asked, told, later } = show();
    told.now = now.map(standing);
    told.servers = told.now.map(({ name, version }) => ({ ...serverInfo, name, version }));
    later();
    expect(asked).toEqual(['all', 'now', 'all']);
    expect(root.textContent).toContain(told.now.at(-1)!.name);
    later();
    expect(asked).toEqual(['all', 'now', 'all', 'now']);
  });
});
