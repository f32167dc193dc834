import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { NEVER, type Observable, of } from 'rxjs';
import { serverInfo } from '../../../testing/factories';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { ServerPage } from './server-page';
import { words } from './words.en';

async function show(api: Record<string, () => Observable<unknown>>) {
  TestBed.configureTestingModule({
    imports: [ServerPage],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      provideSession('tool.write'),
      {
        provide: IntegrationsApi,
        useValue: {
          server: () => of(serverInfo),
          activity: () => of([]),
          tools: () => of([]),
          ...api,
        },
      },
    ],
  });
  const fixture = TestBed.createComponent(ServerPage);
  fixture.componentRef.setInput('server', 'shop');
  await fixture.whenStable();
  return pageOf(fixture);
}

describe('the page of a server', () => {
  it('says its name, and where the rest will stand, while it is asked for', async () => {
    const { find, has } = await show({ server: () => NEVER });
    expect(find('h1').textContent).toBe('shop');
    expect(has('.skeleton')).toBe(true);
  });

  it.each([
    [words.test, 'try'],
    [words.switchOff, 'change'],
  ])('sends one order, however fast %s is pressed twice', async (name, order) => {
    let sent = 0;
    const { button, settle } = await show({
      [order]: () => {
        sent += 1;
        return NEVER;
      },
    });
    const found = button(name)!;
    found.click();
    found.click();
    await settle();
    expect(sent).toBe(1);
  });
});
