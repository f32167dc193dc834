import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import type { MemorySearchAnswer } from '@aos/contracts';
import { provideMockStore } from '@ngrx/store/testing';
import { of } from 'rxjs';
import { provideWords } from '../../../testing/transloco';
import { session } from '../../shared/state/session';
import { ItemsPage } from './items-page';
import { MemoryApi } from './memory-api';

const item = {
  ...{ id: '1', kind: 'fact', subject: 'Wildlife', text: 'Gulls.', projectId: null, version: 1 },
  ...{ createdBy: 'x', createdAt: '2026-11-28T00:00:00Z', updatedAt: '2026-11-28T00:00:00Z' },
};

async function show(q: string | undefined, answers: Partial<MemorySearchAnswer>[]) {
  const pages = answers.map((answer) =>
    of({ items: [item], nextCursor: null, terms: [], ...answer }),
  );
  const next = () => pages.shift();
  TestBed.configureTestingModule({
    providers: [
      provideRouter([]),
      provideWords(),
      provideMockStore({
        selectors: [{ selector: session.selectMay('memory.write'), value: false }],
      }),
      {
        provide: MemoryApi,
        useValue: {
          search: next,
          items: next,
          projects: () => of({ items: [], nextCursor: null }),
        },
      },
    ],
  });
  const fixture = TestBed.createComponent(ItemsPage);
  fixture.componentRef.setInput('q', q);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const note = () => host.querySelector('.note')?.textContent?.trim();
  const more = async () => {
    host.querySelector<HTMLButtonElement>('.more')!.click();
    await fixture.whenStable();
  };
  return { host, note, more };
}

describe('what is remembered', () => {
  it('says how it was searched', async () => {
    const { note } = await show('birds', [{ by: 'meaning', whyText: null }]);
    expect(note()).toBe('memory.item.by.meaning');
  });

  it('goes on saying why words alone were looked for when more is shown', async () => {
    const { note, more } = await show('gulls', [
      { by: 'text', whyText: 'away', nextCursor: 'c' },
      { by: 'text', whyText: 'asked' },
    ]);
    expect(note()).toBe('memory.item.by.away');
    await more();
    expect(note()).toBe('memory.item.by.away');
  });

  it('says nothing of it where nothing was looked for', async () => {
    const { note, host } = await show(undefined, [{}]);
    expect(host.textContent).toContain('Wildlife');
    expect(note()).toBeUndefined();
  });
});
