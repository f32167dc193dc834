import { type TestDatabase, openTestDatabase } from '../../../test/harness.js';
import { type StreamApp, openStreamApp } from '../../../test/stream-app.js';

let db: TestDatabase;
let app: StreamApp;
beforeAll(async () => {
  db = await openTestDatabase();
  app = await openStreamApp(db.database);
  app.tokens.issue('owner', 'all');
});
afterAll(async () => {
  await app.close();
  await db.close();
});

describe('the value stream over WebSocket', () => {
  it('brings committed value events in order, numbered without gaps', async () => {
    const socket = await app.socket('owner').subscribe();
    await app.publish({ summary: 'one' }, { summary: 'two' });
    await app.publish({ summary: 'three' });
    await socket.until(() => socket.events.length === 3);
    expect(socket.events.map((event) => event.summary)).toEqual(['one', 'two', 'three']);
    const first = socket.seqs[0]!;
    expect(socket.seqs).toEqual([first, first + 1, first + 2]);
    socket.close();
  });
});
