import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideWords } from '../../../testing/transloco';
import { MapPage } from './map-page';
import { MonitorApi } from './monitor-api';
import { words } from './words.en';

it('shows where the places will stand while it is asked who called whom', () => {
  TestBed.configureTestingModule({
    imports: [MapPage],
    providers: [
      provideRouter([]),
      provideWords({ monitor: words }),
      { provide: MonitorApi, useValue: { topology: () => NEVER } },
    ],
  });
  const fixture = TestBed.createComponent(MapPage);
  fixture.detectChanges();
  const { root } = pageOf(fixture);
  const columns = [...root.querySelectorAll('.ghosts > div')];
  expect(columns.map((column) => column.querySelectorAll('.skeleton').length)).toEqual([
    1, 2, 4, 2,
  ]);
});
