import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { of, throwError } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { words as frame } from '../../i18n/en';
import { AccessPage } from './access-page';
import { SettingsApi } from './settings-api';
import { words } from './words.en';

describe('why may they', () => {
  it('says what there could not be had to choose from, offers what there is, and asks again', async () => {
    let isThere = false;
    TestBed.configureTestingModule({
      providers: [
        provideRouter([]),
        provideWords({ settings: words }),
        provideSession('user.read'),
        {
          provide: SettingsApi,
          useValue: {
            people: () => (isThere ? of({ items: [] }) : throwError(() => new Error('away'))),
            projects: () => of({ items: [{ id: 'field', name: 'Airfield' }] }),
          },
        },
      ],
    });
    const fixture = TestBed.createComponent(AccessPage);
    await fixture.whenStable();
    const page = pageOf(fixture);
    expect(page.has('aos-problem')).toBe(true);
    expect(page.find('#access-project').textContent).toContain('Airfield');
    isThere = true;
    await page.press(frame.problem.retry);
    expect(page.has('aos-problem')).toBe(false);
  });
});
