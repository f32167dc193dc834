import { TestBed } from '@angular/core/testing';
import { pageOf } from '../../../testing/page';
import { provideWords } from '../../../testing/transloco';
import { toProblem } from '../api/problem';
import { CredentialField } from './credential-field';

async function show(inputs: Record<string, unknown>) {
  TestBed.configureTestingModule({ imports: [CredentialField], providers: [provideWords()] });
  const fixture = TestBed.createComponent(CredentialField);
  for (const [name, value] of Object.entries({ fieldId: 'own', label: 'Own', ...inputs }))
    fixture.componentRef.setInput(name, value);
  // The focus is only given to what stands in the document.
  document.body.append(fixture.nativeElement as HTMLElement);
  await fixture.whenStable();
  const page = pageOf(fixture);
  return { ...page, field: page.find<HTMLInputElement>('input'), it: fixture.componentInstance };
}

describe('a field for a password or a code', () => {
  it.each([
    ['password', 'password', 'current-password', '', null],
    ['newPassword', 'password', 'new-password', '', '12'],
    ['appCode', 'text', 'one-time-code', 'numeric', null],
    ['anyCode', 'text', 'one-time-code', '', null],
  ])('tells the browser of %s what it is', async (kind, type, fills, inputMode, minlength) => {
    const { field } = await show({ kind });
    expect([field.type, field.getAttribute('autocomplete')]).toEqual([type, fills]);
    expect([field.getAttribute('inputmode') ?? '', field.getAttribute('minlength')]).toEqual([
      inputMode,
      minlength,
    ]);
    expect([field.required, field.maxLength > 0]).toEqual([true, true]);
  });

  it('gives up what was typed when it is asked, and forgets it when it is told to', async () => {
    const { field, it } = await show({ kind: 'password' });
    field.value = 'what I know';
    expect(it.read()).toBe('what I know');
    it.empty();
    expect(it.read()).toBe('');
  });

  it('is named and explained, and says what was wrong', async () => {
    const { root, field } = await show({
      ...{ kind: 'password', help: 'The one of this account' },
      problem: toProblem(new Error('Not it')),
    });
    expect(field.labels?.[0]?.textContent).toBe('Own');
    const help = root.querySelector(`#${field.getAttribute('aria-describedby')}`);
    expect(help?.textContent).toBe('The one of this account');
    expect(root.querySelector('[role=alert]')?.textContent).toContain('The console stumbled');
  });

  it('takes the focus only where it was asked for', async () => {
    const { field: quiet } = await show({ kind: 'password' });
    expect(document.activeElement).not.toBe(quiet);
    TestBed.resetTestingModule();
    const { field } = await show({ kind: 'password', takesFocus: true });
    expect(document.activeElement).toBe(field);
  });
});
