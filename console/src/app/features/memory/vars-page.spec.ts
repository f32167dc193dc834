import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER, type Observable, of } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { MemoryApi } from './memory-api';
import { VarsPage } from './vars-page';

async function show(projects: () => Observable<unknown>) {
  TestBed.configureTestingModule({
    providers: [
      provideRouter([]),
      provideWords(),
      provideSession('memory.write'),
      { provide: MemoryApi, useValue: { projects } },
    ],
  });
  const fixture = TestBed.createComponent(VarsPage);
  await fixture.whenStable();
  return pageOf(fixture);
}

describe('the variables of a project', () => {
  it('shows where they will stand while the projects are asked for', async () => {
    expect((await show(() => NEVER)).has('.skeleton')).toBe(true);
  });

  it('waits for nothing where there is no project', async () => {
    const page = await show(() => of({ items: [] }));
    expect(page.has('.skeleton')).toBe(false);
    expect(page.has('.empty')).toBe(true);
  });
});
