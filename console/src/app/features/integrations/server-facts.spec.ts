import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { McpServerInfo } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { ServerFacts } from './server-facts';
import { words } from './words.en';

const server = (more: Partial<McpServerInfo>) =>
  ({
    ...{ name: 'git', description: '', transport: 'http', url: 'https://git.test/mcp', tools: 12 },
    ...{ command: null, args: [], health: { state: 'healthy', checkedAt: null, error: null } },
    pins: { changed: 0, quarantined: 0 },
    ...more,
  }) as McpServerInfo;

async function show(info: McpServerInfo) {
  TestBed.configureTestingModule({
    imports: [ServerFacts],
    providers: [provideRouter([]), provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(ServerFacts);
  fixture.componentRef.setInput('server', info);
  fixture.componentRef.setInput('state', 'healthy');
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  return [...root.querySelectorAll('a')].map((link) => [
    link.textContent?.trim(),
    link.getAttribute('href'),
  ]);
}

describe('the facts of a server', () => {
  it('lead to its definitions', async () => {
    expect(await show(server({}))).toEqual([
      ['12 definitions', '/integrations?view=pins&server=git'],
    ]);
  });

  it('say what waits to be approved, and lead to just that', async () => {
    const links = await show(server({ pins: { changed: 2, quarantined: 1 } }));
    expect(links.slice(1)).toEqual([
      ['2 changed, to approve', '/integrations?view=pins&server=git&state=changed'],
      [
        '1 new or with hidden text, to approve',
        '/integrations?view=pins&server=git&state=quarantined',
      ],
    ]);
  });

  it('lead nowhere from a server without tools', async () => {
    expect(await show(server({ tools: 0 }))).toEqual([]);
  });
});
