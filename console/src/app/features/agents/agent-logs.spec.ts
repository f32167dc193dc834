import { jest } from '@jest/globals';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideStore } from '@ngrx/store';
import { provideWords } from '../../../testing/transloco';
import { AgentLogs } from './agent-logs';
import { AgentsApi } from './agents-api';

/** The line to the server, opened and spoken on by the test. */
class Line extends EventTarget {
  static last: Line;
  onopen?: () => void;
  constructor(readonly url: string) {
    super();
    Line.last = this;
  }
  close() {}
  say(message: string) {
    const line = { id: message, at: '2026-11-26T10:00:00.000Z', level: 'info', logger: 'http' };
    const rest = { attributes: {}, traceId: null };
    this.dispatchEvent(
      new MessageEvent('log', { data: JSON.stringify({ ...line, message, ...rest }) }),
    );
  }
}

async function show() {
  TestBed.configureTestingModule({
    providers: [
      provideRouter([]),
      provideStore(),
      provideWords(),
      { provide: AgentsApi, useValue: { logUrl: (id: string) => `/agents/${id}/logs` } },
    ],
  });
  const fixture = TestBed.createComponent(AgentLogs);
  fixture.componentRef.setInput('agentId', '7');
  const settle = async (ms: number) => {
    await jest.advanceTimersByTimeAsync(ms);
    fixture.detectChanges();
  };
  await settle(0);
  return { host: fixture.nativeElement as HTMLElement, settle };
}

describe('the live log of an agent', () => {
  const before = globalThis.EventSource;
  beforeEach(() => {
    jest.useFakeTimers();
    globalThis.EventSource = Line as never;
  });
  afterEach(() => {
    jest.useRealTimers();
    globalThis.EventSource = before;
  });

  it('says that there are no lines only once it has listened for them', async () => {
    const { host, settle } = await show();
    expect(host.querySelector('.none')).toBeNull();
    expect(host.querySelectorAll('.skeleton')).not.toHaveLength(0);
    Line.last.onopen!();
    await settle(100);
    expect(host.querySelector('.none')).toBeNull();
    await settle(500);
    expect(host.querySelector('.none')).not.toBeNull();
    expect(host.querySelector('.skeleton')).toBeNull();
  });

  it('shows the lines that the server begins with, and never that there are none', async () => {
    const { host, settle } = await show();
    Line.last.onopen!();
    Line.last.say('The plan has 5 steps.');
    await settle(100);
    expect(host.querySelector('.none, .skeleton')).toBeNull();
    expect(host.querySelector('.entry')?.textContent).toContain('The plan has 5 steps.');
  });
});
