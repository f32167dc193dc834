import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { LeftOutTools } from './left-out-tools';
import { words } from './words.en';

async function show(tools: unknown[]): Promise<HTMLElement> {
  TestBed.configureTestingModule({
    imports: [LeftOutTools],
    providers: [provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(LeftOutTools);
  fixture.componentRef.setInput('tools', tools);
  await fixture.whenStable();
  return fixture.nativeElement as HTMLElement;
}

describe('the tools that are left out', () => {
  it('are named with the reason, also one without a name', async () => {
    const root = await show([
      { tool: 'search', why: 'its definition is too long', said: { code: 'tool-too-long' } },
      { tool: '', why: 'it has no name', said: { code: 'tool-unnamable' } },
    ]);
    const lines = [...root.querySelectorAll('li')].map((line) =>
      [...line.children].map((part) => part.textContent?.trim()),
    );
    expect(lines).toEqual([
      ['search', 'its definition is too long'],
      ['no name', 'it has no name'],
    ]);
  });

  it('take no room where there are none', async () => {
    expect((await show([])).textContent).toBe('');
  });
});
