import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER, of } from 'rxjs';
import { pageOf } from '../../../../testing/page';
import { provideSession } from '../../../../testing/session';
import { provideWords } from '../../../../testing/transloco';
import { BlueprintView } from './blueprint-view';
import { BlueprintsApi } from './blueprints-api';

describe('the page of a blueprint', () => {
  it('shows where it will stand while it is asked for', async () => {
    TestBed.configureTestingModule({
      providers: [
        provideRouter([]),
        provideWords(),
        provideSession('project.write'),
        { provide: BlueprintsApi, useValue: { get: () => NEVER, tools: () => of([]) } },
      ],
    });
    const fixture = TestBed.createComponent(BlueprintView);
    fixture.componentRef.setInput('project', 'field');
    fixture.componentRef.setInput('id', 'monthly');
    await fixture.whenStable();
    expect(pageOf(fixture).has('.skeleton')).toBe(true);
  });
});
