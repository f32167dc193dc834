import { aRow, anEvent } from '../../../testing/factories';
import { ApprovalsEvents, approvals } from './approvals';
import { StreamEvents } from './connection';

const start = approvals.reducer(undefined, { type: 'start' });
const after = (...actions: Parameters<typeof approvals.reducer>[1][]) =>
  actions.reduce(approvals.reducer, start);
const asked = (createdAt = '2026-11-22T10:00:00.000Z') =>
  StreamEvents.received({
    events: [
      anEvent({
        type: 'approval.request',
        createdAt,
        payload: {
          approvalId: 'approval-1',
          tool: 'env.files.write',
          args: { path: 'a' },
          schema: {},
          expiresAt: '2026-11-22T11:00:00.000Z',
          reason: 'It writes.',
          requestedBy: 'analyst',
        },
      }),
    ],
  });

describe('the approvals', () => {
  it('come with the stream', () => {
    expect(after(asked()).entities['approval-1']).toMatchObject({
      tool: 'env.files.write',
      status: 'pending',
      requestedBy: 'analyst',
    });
  });

  it('are not opened again by a replay of the request', () => {
    const state = after(
      asked(),
      ApprovalsEvents.decided({ approval: aRow({ status: 'continued', decidedBy: 'Mara' }) }),
      asked(),
    );
    expect(state.entities['approval-1']?.status).toBe('continued');
  });

  it('fold when someone else has decided', () => {
    const state = after(
      asked(),
      ApprovalsEvents.pendingLoaded({ approvals: [], askedAt: '2026-11-22T10:30:00.000Z' }),
    );
    expect(state.entities['approval-1']?.status).toBe('void');
  });

  it('stand once, though the list of the recent and that of the pending both hold them', () => {
    const state = after(
      ApprovalsEvents.pendingLoaded({
        approvals: [aRow(), aRow()],
        askedAt: '2026-11-22T10:30:00.000Z',
      }),
    );
    expect(approvals.selectPending.projector(approvals.selectAll.projector(state))).toHaveLength(1);
  });

  it('that wait for others do not wait for me', () => {
    const rows = (['own', 'voted', 'role', null] as const).map((obstacle, n) =>
      aRow({ id: `approval-${n}`, you: { obstacle, mayBreakGlass: false } }),
    );
    const state = after(
      ApprovalsEvents.pendingLoaded({ approvals: rows, askedAt: '2026-11-22T10:30:00.000Z' }),
    );
    const mine = approvals.selectMine.projector(approvals.selectAll.projector(state));
    expect(mine.map(({ id }) => id)).toEqual(['approval-3']);
  });

  it('stay when they came after the list was asked for', () => {
    const state = after(
      asked('2026-11-22T10:45:00.000Z'),
      ApprovalsEvents.pendingLoaded({ approvals: [], askedAt: '2026-11-22T10:30:00.000Z' }),
    );
    expect(state.entities['approval-1']?.status).toBe('pending');
  });

  it('say which answer is under way, and why it was refused', () => {
    const deciding = after(
      asked(),
      ApprovalsEvents.decisionMade({
        decision: { approvalId: 'approval-1', decision: 'degrade' },
      }),
    );
    expect(deciding.entities['approval-1']?.deciding).toBe('degrade');
    const problem = {
      type: '',
      title: '',
      status: 409,
      detail: '',
      code: 'approval_expired',
      traceId: 't',
    };
    const refused = approvals.reducer(
      deciding,
      ApprovalsEvents.decisionRefused({ approvalId: 'approval-1', problem }),
    );
    expect(refused.entities['approval-1']).toMatchObject({
      deciding: null,
      status: 'expired',
      problem,
    });
  });
});
