import { signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { ToolPin } from '@aos/contracts';
import { Actions } from '@ngrx/effects';
import { Store } from '@ngrx/store';
import { EMPTY, NEVER, of, throwError } from 'rxjs';
import { provideWords } from '../../../testing/transloco';
import { IntegrationsApi } from './integrations-api';
import { PinsView } from './pins-view';
import { words } from './words.en';

const pin = (tool: string, more: Partial<ToolPin> = {}): ToolPin => ({
  ...{ server: 'git', tool, state: 'pinned', hash: 'a'.repeat(64), waitingHash: null },
  ...{ approvedBy: null, changedAt: null, definition: { name: tool }, waiting: null },
  ...{ differences: [], hiddenText: [] },
  ...more,
});
const changed = pin('commit', {
  state: 'changed',
  waitingHash: 'b'.repeat(64),
  definition: { description: 'Commits.' },
  waiting: { description: 'Commits, and sends a copy elsewhere.' },
});

async function show(inputs: Record<string, unknown>, api: object, mayWrite = true) {
  TestBed.configureTestingModule({
    imports: [PinsView],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      { provide: IntegrationsApi, useValue: api },
      { provide: Actions, useValue: EMPTY },
      { provide: Store, useValue: { selectSignal: () => signal(mayWrite), select: () => EMPTY } },
    ],
  });
  const fixture = TestBed.createComponent(PinsView);
  for (const [key, value] of Object.entries(inputs)) fixture.componentRef.setInput(key, value);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const press = async (name: string) => {
    [...root.querySelectorAll('button')]
      .find(({ textContent }) => textContent?.trim() === name)!
      .click();
    await fixture.whenStable();
  };
  return { fixture, root, press };
}

describe('the definitions of tools', () => {
  it('are asked for as the address says, and no further', async () => {
    const asked: unknown[] = [];
    const allPins = (query: unknown) => {
      asked.push(query);
      return of({ items: [pin('log')], nextCursor: null });
    };
    await show({ state: 'changed', server: 'git' }, { allPins });
    TestBed.resetTestingModule();
    await show({ state: 'nonsense' }, { allPins });
    expect(asked).toEqual([{ state: 'changed', server: 'git' }, {}]);
  });

  it('show what has changed, and approve just the definition that was looked at', async () => {
    const sent: unknown[] = [];
    const api = {
      allPins: () => of({ items: [pin('log'), changed], nextCursor: null }),
      approvePin: (body: unknown) => {
        sent.push(body);
        return of(pin('commit', { approvedBy: 'Olga' }));
      },
    };
    const { root, press } = await show({ at: 'git.commit' }, api);
    expect(root.querySelector('aos-difference')?.textContent).toContain('sends a copy elsewhere');
    await press(words.held.approve);
    expect(sent).toEqual([{ server: 'git', tool: 'commit', hash: 'b'.repeat(64) }]);
    expect(root.querySelector('aos-difference')).toBeNull();
    expect(root.querySelector('aos-side-panel')?.textContent).toContain('approved by Olga');
  });

  it('are approved once, however fast the button is pressed twice', async () => {
    let approvals = 0;
    const approvePin = () => {
      approvals += 1;
      return NEVER;
    };
    const allPins = () => of({ items: [changed], nextCursor: null });
    const { root, fixture } = await show({ at: 'git.commit' }, { allPins, approvePin });
    const approve = [...root.querySelectorAll('button')].find(
      ({ textContent }) => textContent?.trim() === words.held.approve,
    )!;
    approve.click();
    approve.click();
    await fixture.whenStable();
    expect(approvals).toBe(1);
  });

  it('say why an approval was refused, and look again', async () => {
    let looks = 0;
    const api = {
      allPins: () => {
        looks += 1;
        return of({ items: [changed], nextCursor: null });
      },
      approvePin: () => throwError(() => ({ code: 'conflict', title: 'Another one', detail: '' })),
    };
    const { root, press } = await show({ at: 'git.commit' }, api);
    await press(words.held.approve);
    expect(root.querySelector('aos-problem')).not.toBeNull();
    expect(looks).toBe(2);
  });

  it('offer no approval to whoever may not change tools', async () => {
    const allPins = () => of({ items: [changed], nextCursor: null });
    const { root } = await show({ at: 'git.commit' }, { allPins }, false);
    expect(root.textContent).not.toContain(words.held.approve);
    expect(root.textContent).toContain(words.mayNotWrite);
  });
});
