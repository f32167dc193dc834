import { TestBed } from '@angular/core/testing';
import type { McpServerInfo } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { LiveGauges } from './live-gauges';
import { words } from './words.en';

const quota: McpServerInfo['quota'] = {
  perMinute: { used: 45, limit: 50 },
  perDay: null,
  concurrent: { used: 0, limit: 100 },
};
const show = async (inputs: Record<string, unknown> = {}) => {
  TestBed.configureTestingModule({
    imports: [LiveGauges],
    providers: [provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(LiveGauges);
  const all = {
    circuit: { state: 'closed', retryAt: null },
    quota,
    pace: { calls: 4, failed: 1, p50Ms: 12, p95Ms: null, window: 'quarter' },
    ...inputs,
  };
  for (const [key, value] of Object.entries(all)) fixture.componentRef.setInput(key, value);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const of = (term: string) =>
    [...root.querySelectorAll('dt')]
      .find(({ textContent }) => textContent === term)
      ?.nextElementSibling?.textContent?.replace(/\s+/g, ' ');
  return { root, of };
};

describe('the gauges of a server', () => {
  it('say how much of each limit is used, and where there is none', async () => {
    const { root, of } = await show();
    expect(of(words.live.perMinute)).toContain('45 / 50');
    expect(of(words.live.perDay)).toBe(words.live.noLimit);
    expect(of(words.live.perTool)).toBeUndefined();
    const meter = root.querySelector('[role=meter]')!;
    expect(meter.getAttribute('aria-valuenow')).toBe('45');
    expect(meter.firstElementChild!.className).toContain('much');
    expect(of(words.live.errors.quarter)).toContain('1 of 4');
    expect(of(words.live.speed.quarter)).toContain('12 ms / –');
  });

  it('say when an open circuit is tried again', async () => {
    const retryAt = new Date(Date.now() + 30_000).toISOString();
    const { root, of } = await show({ circuit: { state: 'open', retryAt } });
    expect(of(words.live.circuit)).toContain(words.live.circuitOf.open);
    expect(root.querySelector('time')!.getAttribute('datetime')).toBe(retryAt);
  });

  it('tell of a tool its own limit as well', async () => {
    const { of } = await show({ perTool: { used: 3, limit: 3 } });
    expect(of(words.live.perTool)).toContain('3 / 3');
  });
});
