import { jest } from '@jest/globals';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { Agent, AgentStanding } from '@aos/contracts';
import { of } from 'rxjs';
import { anAgent } from '../../../testing/factories';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { AgentsApi } from './agents-api';
import { AgentsPage } from './agents-page';
import { words } from './words.en';

const standing = (more: Partial<AgentStanding> = {}): AgentStanding => {
  const { id, version, status, replicas, registered, load, lastError } = anAgent();
  return { ...{ id, version, status, replicas, registered, load, lastError }, ...more };
};

/** Once asked for all of it, and then as it is told of. */
function show() {
  const asked: string[] = [];
  const told: { agents: Agent[]; now: AgentStanding[] } = {
    agents: [anAgent()],
    now: [standing()],
  };
  TestBed.configureTestingModule({
    imports: [AgentsPage],
    providers: [
      provideRouter([]),
      provideWords({ agents: words }),
      provideSession(),
      {
        provide: AgentsApi,
        useValue: {
          agents: () => (asked.push('all'), of(told.agents)),
          standings: () => (asked.push('now'), of(told.now)),
        },
      },
    ],
  });
  const fixture = TestBed.createComponent(AgentsPage);
  fixture.detectChanges();
  const later = () => {
    jest.advanceTimersByTime(10_100);
    fixture.detectChanges();
  };
  return { ...pageOf(fixture), asked, told, later };
}

describe('the list of agents', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks how they do, and not again what each is made of', () => {
    const { root, asked, told, later } = show();
    told.now = [standing({ status: 'failed', lastError: 'The plan has a circle' })];
    later();
    expect(root.textContent).toContain(words.status.failed);
    expect(root.textContent).toContain('The plan has a circle');
    told.now = [standing()];
    later();
    expect(root.textContent).not.toContain('The plan has a circle');
    expect(asked).toEqual(['all', 'now', 'now']);
  });

  it.each<[string, Partial<AgentStanding>[]]>([
    ['one has another version', [{ version: '2' }]],
    ['one was added', [{}, { id: '8' }]],
    ['one is in the place of another', [{ id: '8' }]],
  ])('asks for all of them once %s', (_, now) => {
    const { root, asked, told, later } = show();
    told.now = now.map(standing);
    told.agents = told.now.map((each) => anAgent({ ...each, name: `agent-${each.id}` }));
    later();
    expect(asked).toEqual(['all', 'now', 'all']);
    expect(root.textContent).toContain(told.agents.at(-1)!.name);
    later();
    expect(asked).toEqual(['all', 'now', 'all', 'now']);
  });
});
