import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { AgentPage } from './agent-page';
import { AgentsApi } from './agents-api';

describe('the page of an agent', () => {
  it('shows where it will stand while it is asked for', async () => {
    const unanswered = new Proxy({}, { get: () => () => NEVER });
    TestBed.configureTestingModule({
      providers: [
        provideRouter([]),
        provideWords(),
        provideSession('agent.write'),
        { provide: AgentsApi, useValue: unanswered },
      ],
    });
    const fixture = TestBed.createComponent(AgentPage);
    fixture.componentRef.setInput('id', 'analyst');
    await fixture.whenStable();
    expect(pageOf(fixture).has('.skeleton')).toBe(true);
  });
});
