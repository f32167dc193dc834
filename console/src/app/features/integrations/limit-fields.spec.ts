import { TestBed } from '@angular/core/testing';
import { provideWords } from '../../../testing/transloco';
import { LimitFields } from './limit-fields';
import { type Limits, noLimits } from './sign-in';
import { words } from './words.en';

async function show(value: Partial<Limits>) {
  TestBed.configureTestingModule({
    imports: [LimitFields],
    providers: [provideWords({ integrations: words })],
  });
  const fixture = TestBed.createComponent(LimitFields);
  fixture.componentRef.setInput('value', { ...noLimits, ...value });
  const told: Limits[] = [];
  fixture.componentInstance.changed.subscribe((limits) => told.push(limits));
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const field = (key: keyof Limits) => root.querySelector<HTMLInputElement>(`#limit-${key}`)!;
  return { root, told, field };
}

describe('the limits of a server', () => {
  it('tell what was typed into one, and leave the others', async () => {
    const { told, field } = await show({ perDay: '500' });
    field('perMinute').value = '20';
    field('perMinute').dispatchEvent(new Event('input'));
    expect(told).toEqual([{ ...noLimits, perDay: '500', perMinute: '20' }]);
  });

  it('mark the field that is none, and say so once', async () => {
    const { root, field } = await show({ perMinute: '0', concurrent: 'many' });
    const marked = (['perMinute', 'perDay', 'concurrent'] as const).map((key) =>
      field(key).getAttribute('aria-invalid'),
    );
    expect(marked).toEqual(['true', 'false', 'true']);
    expect(root.querySelectorAll('[role=alert]')).toHaveLength(1);
  });

  it('are good while they are empty', async () => {
    const { root } = await show({});
    expect(root.querySelector('[role=alert]')).toBeNull();
  });
});
