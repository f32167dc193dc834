import { TestBed } from '@angular/core/testing';
import type { Proposal } from '@aos/contracts';
import { of } from 'rxjs';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { Proposals } from './proposals';
import { ProposalsApi } from './proposals-api';
import { words } from './words.en';

const proposalOf = (id: string, target: string, more: Partial<Proposal> = {}): Proposal => ({
  ...{ id, kind: 'servers', action: 'server.change', target, projectId: null, subject: null },
  ...{ baseVersion: 1, before: {}, after: { description: id }, changes: [], isPartial: false },
  ...{ comment: '', state: 'pending', voidBecause: null, proposedBy: 'user:1' },
  ...{ proposedByName: 'Ann', createdAt: '2026-11-27T10:00:00.000Z' },
  ...{ expiresAt: '2026-12-04T10:00:00.000Z', decidedBy: null, decidedByName: null },
  ...{ decidedAt: null, decisionComment: null, breakGlass: false },
  you: { obstacle: null, mayWithdraw: false, mayBreakGlass: false },
  ...more,
});

describe('the changes that wait above a tool server', () => {
  const show = async (items: Proposal[], inputs: object = {}) => {
    const asked: string[] = [];
    const one = (id: string) => {
      asked.push(id);
      return of(proposalOf(id, 'mcp-server:git', { after: { tools: ['the whole of it'] } }));
    };
    TestBed.configureTestingModule({
      imports: [Proposals],
      providers: [
        provideSession('tool.write'),
        provideWords({ proposals: words }),
        {
          provide: ProposalsApi,
          useValue: { list: () => of({ items, nextCursor: null }), one },
        },
      ],
    });
    const fixture = TestBed.createComponent(Proposals);
    for (const [key, value] of Object.entries({ kind: 'servers', ...inputs }))
      fixture.componentRef.setInput(key, value);
    await fixture.whenStable();
    await new Promise((resolve) => setTimeout(resolve)); // no wait: one turn, for the promises behind an answer
    await fixture.whenStable();
    const root = fixture.nativeElement as HTMLElement;
    const shown = [...root.querySelectorAll('[data-proposal]')].map((each) =>
      each.getAttribute('data-proposal'),
    );
    return { root, asked, shown };
  };

  it('are those of the server and of its tools', async () => {
    const items = [
      proposalOf('a', 'mcp-server:git'),
      proposalOf('b', 'tool:git.commit'),
      proposalOf('c', 'mcp-server:github'),
      proposalOf('d', 'tool:github.commit'),
    ];
    expect((await show(items, { about: 'git' })).shown).toEqual(['a', 'b']);
    TestBed.resetTestingModule();
    expect((await show(items)).shown).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are shown whole where the list leaves long definitions out', async () => {
    const items = [
      proposalOf('a', 'mcp-server:git', { isPartial: true }),
      proposalOf('b', 'mcp-server:git'),
    ];
    const { root, asked } = await show(items);
    expect(asked).toEqual(['a']);
    expect(root.textContent).toContain('the whole of it');
  });
});
