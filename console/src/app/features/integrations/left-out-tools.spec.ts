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
    const why = 'it has no name that can be kept';
    const root = await show([
      { tool: 'search', why: 'too long', said: { code: 'tool-too-long' } },
      { tool: '', why, said: { code: 'tool-unnamable' } },
    ]);
    const lines = [...root.querySelectorAll('li')].map((line) =>
      line.textContent?.replace(/\s+/g, ' ').trim(),
    );
    expect(lines).toEqual(['search its definition is too long', `no name ${why}`]);
  });

  it('take no room where there are none', async () => {
    expect((await show([])).textContent).toBe('');
  });
});
