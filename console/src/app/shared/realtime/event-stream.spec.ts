import { TestBed } from '@angular/core/testing';
import type { AosEvent, ServerFrame } from '@aos/contracts';
import { jest } from '@jest/globals';
import { type Action, Store } from '@ngrx/store';
import { anEvent } from '../../../testing/factories';
import { StreamEvents } from '../state/connection';
import { EventStream, OPEN_SOCKET } from './event-stream';

/** The server's end, as far as a browser can tell. */
class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  readonly sent: unknown[] = [];
  constructor(readonly url: string) {}
  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.onclose?.();
  }
  says(frame: ServerFrame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
}

function setup() {
  const sockets: FakeSocket[] = [];
  const actions: Action[] = [];
  TestBed.configureTestingModule({
    providers: [
      { provide: Store, useValue: { dispatch: (action: Action) => actions.push(action) } },
      {
        provide: OPEN_SOCKET,
        useValue: (url: string) => {
          const socket = new FakeSocket(url);
          sockets.push(socket);
          return socket;
        },
      },
    ],
  });
  const stream = TestBed.inject(EventStream);
  const socket = () => sockets[sockets.length - 1]!;
  const received = (): AosEvent[] =>
    actions.flatMap((action) =>
      action.type === StreamEvents.received.type
        ? (action as ReturnType<typeof StreamEvents.received>).events
        : [],
    );
  const batches = () => actions.filter(({ type }) => type === StreamEvents.received.type).length;
  /** Signed in, looked back, level with the server at `seq`. */
  const live = (seq: number) => {
    stream.open();
    socket().onopen?.();
    socket().says({ op: 'ready', seq });
    if (seq > 0) socket().says({ op: 'ready', seq });
  };
  return { stream, sockets, socket, actions, received, batches, live };
}

describe('the value stream', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks where the head is, and looks back from there, so that a fresh page is not empty', () => {
    const { stream, socket, actions } = setup();
    stream.open();
    socket().onopen?.();
    expect(socket().sent).toEqual([{ op: 'subscribe' }]);
    socket().says({ op: 'ready', seq: 1_000 });
    expect(socket().sent[1]).toEqual({ op: 'subscribe', since: 600 });
    expect(actions.map(({ type }) => type)).not.toContain(StreamEvents.ready.type);
    socket().says({ op: 'ready', seq: 1_000 });
    expect(actions).toContainEqual(StreamEvents.ready({ seq: 1_000 }));
  });

  it('speaks to its own origin', () => {
    const { stream, socket } = setup();
    stream.open();
    expect(socket().url).toBe('ws://localhost/agent/events');
  });

  it('resumes from the last event that it handed on', () => {
    const { socket, sockets, live } = setup();
    live(10);
    socket().says({ op: 'event', event: anEvent({ seq: 12 }) });
    socket().close();
    jest.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
    socket().onopen?.();
    expect(socket().sent).toEqual([{ op: 'subscribe', since: 12 }]);
  });

  it('hands on what it holds back when the line goes, before it resumes behind it', () => {
    const { socket, live, received } = setup();
    live(10);
    socket().says({ op: 'event', event: anEvent({ seq: 11, traceId: 'a' }) });
    socket().says({ op: 'event', event: anEvent({ seq: 12, traceId: 'a' }) });
    socket().says({ op: 'event', event: anEvent({ seq: 13, traceId: 'b' }) });
    jest.advanceTimersByTime(80);
    expect(received().map(({ seq }) => seq)).toEqual([11, 13]);
    socket().close();
    expect(received().map(({ seq }) => seq)).toEqual([11, 13, 12]);
    jest.advanceTimersByTime(1_000);
    socket().onopen?.();
    expect(socket().sent).toEqual([{ op: 'subscribe', since: 13 }]);
  });

  it('drops what it has had: delivery is at least once', () => {
    const { socket, live, received } = setup();
    live(10);
    const event = anEvent({ seq: 11 });
    socket().says({ op: 'event', event });
    socket().says({ op: 'event', event });
    jest.advanceTimersByTime(1_000);
    expect(received()).toHaveLength(1);
  });

  it('takes a hole in the numbers for what it is: an event that was not for operators', () => {
    const { socket, live, actions, received } = setup();
    live(10);
    socket().says({ op: 'event', event: anEvent({ seq: 20 }) });
    expect(received()).toHaveLength(1);
    expect(actions.map(({ type }) => type)).not.toContain(StreamEvents.resyncDemanded.type);
  });

  it('starts over when the server says that its window has passed', () => {
    const { socket, live, actions } = setup();
    live(10);
    socket().says({ op: 'resync', reason: 'window' });
    expect(actions).toContainEqual(StreamEvents.resyncDemanded({ reason: 'window' }));
    expect(socket().sent.at(-1)).toEqual({ op: 'subscribe' });
    socket().says({ op: 'ready', seq: 900 });
    expect(actions.at(-1)).toEqual(StreamEvents.ready({ seq: 900 }));
  });

  it('starts over when the record of the server lies behind its own', () => {
    const { socket, live, actions } = setup();
    live(500);
    socket().close();
    jest.advanceTimersByTime(1_000);
    socket().onopen?.();
    socket().says({ op: 'ready', seq: 3 });
    expect(actions.map(({ type }) => type)).toContain(StreamEvents.resyncDemanded.type);
  });

  it('gathers a burst of one task, and hands it on once after a second', () => {
    const { socket, live, received, batches } = setup();
    live(0);
    for (let seq = 1; seq <= 50; seq += 1) socket().says({ op: 'event', event: anEvent({ seq }) });
    expect(received()).toHaveLength(1);
    jest.advanceTimersByTime(1_000);
    expect(received().map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    expect(batches()).toBe(2);
  });

  it('does not hold back what somebody waits for, nor what came before it', () => {
    const { socket, live, received } = setup();
    live(0);
    socket().says({ op: 'event', event: anEvent({ seq: 1 }) });
    socket().says({ op: 'event', event: anEvent({ seq: 2 }) });
    socket().says({ op: 'event', event: anEvent({ seq: 3, type: 'approval.request' }) });
    jest.advanceTimersByTime(80);
    expect(received().map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('rests between redraws while many tasks talk, and loses nothing by it', () => {
    const { socket, live, received, batches } = setup();
    live(0);
    for (let seq = 1; seq <= 1_000; seq += 1) {
      socket().says({ op: 'event', event: anEvent({ seq, traceId: `task-${seq}` }) });
      jest.advanceTimersByTime(2);
    }
    jest.advanceTimersByTime(320);
    expect(received().map(({ seq }) => seq)).toEqual(
      Array.from({ length: 1_000 }, (_, i) => i + 1),
    );
    expect(batches()).toBeLessThanOrEqual(10);
  });

  it('hands on at once what comes after a rest', () => {
    const { socket, live, received } = setup();
    live(0);
    socket().says({ op: 'event', event: anEvent({ seq: 1, traceId: 'a' }) });
    jest.advanceTimersByTime(80);
    socket().says({ op: 'event', event: anEvent({ seq: 2, traceId: 'b' }) });
    expect(received().map(({ seq }) => seq)).toEqual([1, 2]);
  });

  it('takes silence for a dead line', () => {
    const { live, sockets, actions } = setup();
    live(10);
    jest.advanceTimersByTime(45_000);
    expect(actions.map(({ type }) => type)).toContain(StreamEvents.lost.type);
    jest.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
  });

  it('stays on the line as long as the server pings', () => {
    const { live, socket, sockets } = setup();
    live(10);
    for (let n = 0; n < 10; n += 1) {
      jest.advanceTimersByTime(15_000);
      socket().says({ op: 'ping' });
    }
    expect(sockets).toHaveLength(1);
  });

  it('waits longer after each try, and never longer than twenty seconds', () => {
    const { stream, socket, actions } = setup();
    stream.open();
    for (let n = 0; n < 12; n += 1) {
      socket().close();
      jest.advanceTimersByTime(20_000);
    }
    const waits = actions
      .filter(({ type }) => type === StreamEvents.lost.type)
      .map((action) => action as ReturnType<typeof StreamEvents.lost>)
      .map(({ at, retryAt }) => retryAt - at);
    expect(waits[0]).toBeLessThanOrEqual(500);
    expect(Math.min(...waits.slice(7))).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(20_000);
  });

  it('is still after it was closed', () => {
    const { stream, live, socket, sockets, actions } = setup();
    live(10);
    const last = socket();
    stream.close();
    expect(last.onmessage).toBeNull();
    jest.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(actions.at(-1)).toEqual(StreamEvents.closed());
  });
});
