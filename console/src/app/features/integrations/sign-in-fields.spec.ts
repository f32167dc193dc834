import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { type SignIn, noSignIn } from './sign-in';
import { SignInFields } from './sign-in-fields';
import { words } from './words.en';

async function show(value: Partial<SignIn>, more: Record<string, unknown> = {}) {
  TestBed.configureTestingModule({
    imports: [SignInFields],
    providers: [provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(SignInFields);
  const all = { value: { ...noSignIn, ...value }, secrets: ['KEY', 'OTHER'], ...more };
  for (const [key, each] of Object.entries(all)) fixture.componentRef.setInput(key, each);
  const told: SignIn[] = [];
  fixture.componentInstance.changed.subscribe((signIn) => told.push(signIn));
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const labels = () => [...root.querySelectorAll('.field > label')].map((each) => each.textContent);
  return { fixture, root, told, labels };
}

const { signIn } = words;

describe('the fields of a sign-in', () => {
  it('are those that its kind takes', async () => {
    expect((await show({})).labels()).toEqual([signIn.title]);
    TestBed.resetTestingModule();
    const secret = await show({ kind: 'secret' });
    expect(secret.labels()).toEqual([signIn.title, signIn.secret]);
    TestBed.resetTestingModule();
    const client = await show({ kind: 'client-credentials' });
    expect(client.labels()).toEqual([
      ...[signIn.title, signIn.client, signIn.clientSecret, signIn.where],
      ...[signIn.scope, signIn.audience, signIn.resource],
    ]);
  });

  it('ask for a secret to exchange, or exchange what AOS says of each caller', async () => {
    const { fixture, root, told, labels } = await show({ kind: 'token-exchange' });
    expect(labels()).toContain(signIn.subject);
    const [, caller] = [...root.querySelectorAll<HTMLInputElement>('input[type=radio]')];
    caller!.click();
    expect(told).toEqual([{ ...noSignIn, kind: 'token-exchange', subject: 'caller' }]);
    fixture.componentRef.setInput('value', told[0]);
    await fixture.whenStable();
    expect(labels()).not.toContain(signIn.subject);
  });

  it('offer a process no more than a secret', async () => {
    const { root } = await show({}, { isProcess: true });
    const kinds = [...root.querySelectorAll('select')[0]!.options].map(({ value }) => value);
    expect(kinds).toEqual(['none', 'secret']);
  });

  it('keep a secret that is named and not in sight, and say at the field what is wrong', async () => {
    const { root } = await show(
      { kind: 'client-credentials', secret: 'GONE' },
      { faults: { clientId: 'signIn.clientFault' } },
    );
    const secret = root.querySelector<HTMLSelectElement>('#sign-in-secret')!;
    expect(secret.value).toBe('GONE');
    const client = root.querySelector<HTMLInputElement>('#sign-in-clientId')!;
    expect(client.getAttribute('aria-invalid')).toBe('true');
    expect(client.nextElementSibling!.textContent).toBe(signIn.clientFault);
  });
});
