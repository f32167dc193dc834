import { TestBed } from '@angular/core/testing';
import { NEVER, type Observable, of, throwError } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { RegisterDialog } from './register-dialog';
import { words } from './words.en';

const offline = { code: 'offline', title: 'The server did not answer', detail: '', status: 0 };
const memory = {
  ...{ id: 'memory', kind: 'fixed', title: 'Memory', description: '', command: 'npx', args: [] },
};
const trial = { ok: true, latencyMs: 3, tools: [], leftOut: [], error: null };

async function show(api: Record<string, () => Observable<unknown>>) {
  TestBed.configureTestingModule({
    imports: [RegisterDialog],
    providers: [
      provideWords({ integrations: words }),
      provideSession('tool.write'),
      {
        provide: IntegrationsApi,
        useValue: { launchTemplates: () => of([memory]), tryNew: () => of(trial), ...api },
      },
    ],
  });
  const fixture = TestBed.createComponent(RegisterDialog);
  await fixture.whenStable();
  return pageOf(fixture);
}

describe('the registration of a server', () => {
  it('says that what may be started could not be asked for, and asks again', async () => {
    let isUp = false;
    const { find, press, has, write } = await show({
      launchTemplates: () => (isUp ? of([memory]) : throwError(() => offline)),
    });
    // What is typed meanwhile does not take the word away.
    await write('#reg-name', 'notes');
    expect(find('aos-problem').textContent).toContain('The server did not answer');
    isUp = true;
    await press('Retry');
    expect(has('aos-problem')).toBe(false);
    expect(find('#reg-template').textContent).toContain('Memory');
  });

  it('is sent once, however fast the button is pressed twice', async () => {
    let sent = 0;
    const register = () => {
      sent += 1;
      return NEVER;
    };
    const { root, write, press, submit, button, settle } = await show({ register });
    root.querySelectorAll<HTMLInputElement>('[name=transport]')[1]?.click();
    await settle();
    await write('#reg-name', 'notes');
    await write('#reg-url', 'https://notes.example/mcp');
    await press(words.next);
    await submit();
    const form = root.querySelector('form')!;
    expect(button(words.add)).toBeDefined();
    form.dispatchEvent(new Event('submit', { cancelable: true }));
    form.dispatchEvent(new Event('submit', { cancelable: true }));
    await settle();
    expect(sent).toBe(1);
  });
});
