import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { provideHttpClient } from '@angular/common/http';
import { TestBed } from '@angular/core/testing';
import type { HistoryState, MonitorLogLine } from '@aos/contracts';
import { LogsStore } from './logs-store';

const line = (id: number, message = `line ${id}`): MonitorLogLine => ({
  id: String(id),
  at: new Date(1_700_000_000_000 + id).toISOString(),
  level: 'info',
  logger: 't',
  message,
  traceId: null,
  jobId: null,
  agentId: null,
  attributes: {},
  cursor: `c${id}`,
});

function open() {
  TestBed.configureTestingModule({
    providers: [LogsStore, provideHttpClient(), provideHttpClientTesting()],
  });
  const store = TestBed.inject(LogsStore);
  const http = TestBed.inject(HttpTestingController);
  const answer = async (
    items: MonitorLogLine[],
    nextCursor: string | null = null,
    history: HistoryState = 'off',
  ) => {
    await Promise.resolve();
    const request = http.expectOne(({ url }) => url.endsWith('/monitor/logs'));
    request.flush({ items, nextCursor, history });
    await new Promise((done) => setTimeout(done));
    return request.request.params;
  };
  const ids = () => store.lines().map(({ id }) => id);
  return { store, answer, ids };
}

describe('the lines of the log', () => {
  it('grow below by pages and above by what is written, each line once', async () => {
    const { store, answer, ids } = open();
    void store.begin({ level: 'info' });
    const params = await answer([line(3), line(2)], 'c2');
    expect(params.get('level')).toBe('info');
    store.take([line(3), line(4), line(5)]);
    void store.older();
    expect((await answer([line(2), line(1)])).get('cursor')).toBe('c2');
    expect(ids()).toEqual(['5', '4', '3', '2', '1']);
    expect(store.cursor()).toBeNull();
  });

  it('are said to be cut where they end for want of ClickHouse, and not before', async () => {
    const { store, answer } = open();
    void store.begin({});
    await answer([line(3)], 'c3', 'away');
    expect(store.isCut()).toBe(false);
    void store.older();
    await answer([line(2)], null, 'away');
    expect(store.isCut()).toBe(true);
    void store.begin({});
    await answer([line(3)], null, 'there');
    expect(store.isCut()).toBe(false);
  });

  it('hold what is written while they are paused, say how much, and go on with it', async () => {
    const { store, answer, ids } = open();
    void store.begin({});
    await answer([line(1)]);
    store.pause();
    store.take([line(2), line(3)]);
    expect([ids(), store.heldCount()]).toEqual([['1'], 2]);
    store.resume();
    expect([ids(), store.heldCount()]).toEqual([['3', '2', '1'], 0]);
  });

  it('ask for what came before and after one line, and for newer ones from there', async () => {
    const { store, answer, ids } = open();
    void store.begin({ around: 'c5' });
    expect((await answer([line(6), line(7)], 'c7')).get('order')).toBe('oldest');
    expect((await answer([line(5), line(4)], 'c4')).get('cursor')).toBe('c6');
    expect(ids()).toEqual(['7', '6', '5', '4']);
    void store.newer();
    await answer([line(8)]);
    expect(ids()).toEqual(['8', '7', '6', '5', '4']);
    expect(store.newerCursor()).toBeNull();
  });

  it('drop an answer to a question that has changed', async () => {
    const { store, answer, ids } = open();
    void store.begin({ text: 'old' });
    const http = TestBed.inject(HttpTestingController);
    const old = http.expectOne(({ params }) => params.get('text') === 'old');
    void store.begin({ text: 'new' });
    await answer([line(2, 'new')]);
    old.flush({ items: [line(1, 'old')], nextCursor: null });
    await new Promise((done) => setTimeout(done));
    expect(ids()).toEqual(['2']);
  });

  it('know when a search stopped before it found anything', async () => {
    const { store, answer } = open();
    void store.begin({ text: 'needle' });
    await answer([], 'c1');
    expect(store.isStuck()).toBe(true);
    void store.older();
    await answer([line(1)]);
    expect(store.isStuck()).toBe(false);
  });
});
