import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { McpTool, ToolReport } from '@aos/contracts';
import { NEVER, type Observable, of } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { ToolPage } from './tool-page';
import { words } from './words.en';

const tool = {
  ...{ server: 'git', name: 'log', tool: 'git.log', aggregateName: 'git__log', title: null },
  ...{ description: '', inputSchema: { type: 'object', properties: {} }, outputSchema: null },
  ...{ readOnly: true, idempotent: true },
} as unknown as McpTool;
const report = (state: ToolReport['pin']['state']) =>
  ({
    ...{ activity: null, perMinute: null, quota: null, circuit: { state: 'closed' } },
    pin: { state, hash: 'a'.repeat(64) },
    health: {},
  }) as unknown as ToolReport;

async function show(api: Record<string, () => Observable<unknown>>) {
  TestBed.configureTestingModule({
    imports: [ToolPage],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      provideSession('tool.call'),
      { provide: IntegrationsApi, useValue: { toolReport: () => NEVER, ...api } },
    ],
  });
  const fixture = TestBed.createComponent(ToolPage);
  fixture.componentRef.setInput('server', 'git');
  fixture.componentRef.setInput('tool', 'log');
  await fixture.whenStable();
  return pageOf(fixture);
}

describe('the page of a tool', () => {
  it('leads from a tool that waits to what is to be looked at, and says of a gone one that it is', async () => {
    const offered = { tool: () => of(null) };
    const held = await show({ ...offered, toolReport: () => of(report('changed')) });
    expect(held.find('aos-problem').textContent).toContain('waits for approval');
    expect(held.find<HTMLAnchorElement>('a.held').href).toContain(
      '/integrations?view=pins&server=git&at=git.log',
    );
    TestBed.resetTestingModule();
    const gone = await show({ ...offered, toolReport: () => of(report('pinned')) });
    expect(gone.find('aos-problem').textContent).toContain('There is no such tool');
    expect(gone.has('a.held')).toBe(false);
  });

  it('calls once, however fast the button is pressed twice', async () => {
    let calls = 0;
    const call = () => {
      calls += 1;
      return NEVER;
    };
    const { button, settle } = await show({ tool: () => of(tool), call });
    const found = button(words.call)!;
    found.click();
    found.click();
    await settle();
    expect(calls).toBe(1);
  });
});
