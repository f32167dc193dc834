import { Injectable, InjectionToken, inject } from '@angular/core';
import type { AosEvent, ServerFrame, SubscribeFrame } from '@aos/contracts';
import { Store } from '@ngrx/store';
import { StreamEvents } from '../state/connection';
import { serverNow } from '../ui/clock';

/**
 * The console's end of the value stream: one socket for the whole application.
 *
 *     closed --open()--> connecting --ready--> live --close/silence--> lost --backoff--> connecting
 *                            ^                   |
 *                            +----- resync ------+   (forget seq, say so, subscribe from the head)
 *
 * - It resumes from the last seq that it handed on; what it holds back is handed on first when the line goes. A
 *   repeat is dropped by id: delivery is at least once.
 * - The stream leaves out the events that are not for operators, so holes in the numbers mean nothing. Only the
 *   server knows of a real gap, and says `resync`; so does a `ready` that lies behind us, because then the
 *   server's record began anew.
 * - The server pings every 15 s. Silence for three of them is a dead line that nobody told us about.
 * - Events of one task that come within a second of each other are handed on together; the first of a quiet task,
 *   and those that somebody waits for, go at once.
 * - What is handed on makes the page draw. After each time it rests, longer after more, and gathers meanwhile: five
 *   hundred events a second are three redraws a second, and one event now and then is there at once.
 */
const SILENCE_MS = 45_000;
const WINDOW_MS = 1_000;
const REST_PER_EVENT_MS = 4;
const SHORTEST_REST_MS = 80;
const LONGEST_REST_MS = 320;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 20_000;
/** How far back a fresh page looks, so that the stream is not empty after a reload. */
const LOOK_BACK = 400;
const REMEMBERED_IDS = 5_000;

export type OpenSocket = (url: string) => WebSocket;
export const OPEN_SOCKET = new InjectionToken<OpenSocket>('how a WebSocket is opened', {
  providedIn: 'root',
  factory: () => (url) => new WebSocket(url),
});

@Injectable({ providedIn: 'root' })
export class EventStream {
  private readonly store = inject(Store);
  private readonly openSocket = inject(OPEN_SOCKET);

  private socket: WebSocket | null = null;
  private wanted = false;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  /** The last seq handed on; null until the first `ready` has said where the head is. */
  private seq: number | null = null;
  private lookedBack = false;
  private readonly seen = new Set<string>();
  private readonly windows = new Map<
    string,
    { held: AosEvent[]; timer: ReturnType<typeof setTimeout> }
  >();

  /** Handed on when the rest is over. */
  private gathered: AosEvent[] = [];
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    // A laptop that wakes, or a network that is back, should not wait for the backoff to run out.
    addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retryNow();
    });
  }

  open(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.connect();
  }

  close(): void {
    this.wanted = false;
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.flush();
    this.drop();
    this.seq = null;
    this.lookedBack = false;
    this.seen.clear();
    this.store.dispatch(StreamEvents.closed());
  }

  retryNow(): void {
    if (!this.wanted || this.socket) return;
    clearTimeout(this.retry);
    this.connect();
  }

  private connect(): void {
    const url = new URL('/agent/events', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = this.openSocket(url.href);
    this.socket = socket;
    this.listenForSilence();
    socket.onopen = () => {
      this.store.dispatch(StreamEvents.opened());
      this.subscribe();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => this.onFrame(String(data));
    socket.onclose = () => this.onClose(socket);
    // The close that follows an error says all that a browser will tell.
    socket.onerror = () => undefined;
  }

  private subscribe(): void {
    const frame: SubscribeFrame = { op: 'subscribe' };
    if (this.seq !== null) frame.since = this.seq;
    this.socket?.send(JSON.stringify(frame));
  }

  private onFrame(text: string): void {
    this.listenForSilence();
    const frame = JSON.parse(text) as ServerFrame;
    switch (frame.op) {
      case 'event':
        return this.onEvent(frame.event);
      case 'ready':
        return this.onReady(frame.seq);
      case 'resync':
        return this.onResync(frame.reason);
      case 'ping':
        return;
    }
  }

  private onReady(head: number): void {
    this.attempts = 0;
    if (this.seq !== null && head < this.seq)
      return this.onResync('the record of the server began anew');
    if (!this.lookedBack) {
      this.lookedBack = true;
      this.seq = Math.max(0, head - LOOK_BACK);
      if (this.seq < head) return this.subscribe();
    }
    this.flush();
    this.seq = Math.max(this.seq ?? 0, head);
    this.store.dispatch(StreamEvents.ready({ seq: this.seq }));
  }

  private onResync(reason: string): void {
    this.flush();
    this.seq = null;
    // The lists are loaded over HTTP now; what the stream forgot would only bring old cards back.
    this.lookedBack = true;
    this.store.dispatch(StreamEvents.resyncDemanded({ reason }));
    this.subscribe();
  }

  private onEvent(event: AosEvent): void {
    if (this.seen.has(event.id)) return;
    this.seen.add(event.id);
    if (this.seen.size > REMEMBERED_IDS) {
      for (const id of [...this.seen].slice(0, REMEMBERED_IDS / 2)) this.seen.delete(id);
    }

    const open = this.windows.get(event.traceId);
    if (open) {
      open.held.push(event);
      if (isAwaited(event)) this.flushTrace(event.traceId);
      return;
    }
    this.windows.set(event.traceId, {
      held: [],
      timer: setTimeout(() => this.flushTrace(event.traceId), WINDOW_MS),
    });
    this.handOn([event]);
  }

  private flush(): void {
    for (const traceId of [...this.windows.keys()]) this.flushTrace(traceId);
    clearTimeout(this.rest);
    this.rest = undefined;
    this.deliver();
  }

  private flushTrace(traceId: string): void {
    const window = this.windows.get(traceId);
    if (!window) return;
    clearTimeout(window.timer);
    this.windows.delete(traceId);
    this.handOn(window.held);
  }

  private handOn(events: AosEvent[]): void {
    this.gathered.push(...events);
    if (this.rest === undefined) this.deliver();
  }

  private deliver(): void {
    const events = this.gathered;
    if (events.length === 0) return;
    this.gathered = [];
    this.store.dispatch(StreamEvents.received({ events }));
    this.seq = events.reduce((last, { seq }) => Math.max(last, seq), this.seq ?? 0);
    const restMs = Math.min(
      LONGEST_REST_MS,
      Math.max(SHORTEST_REST_MS, events.length * REST_PER_EVENT_MS),
    );
    this.rest = setTimeout(() => {
      this.rest = undefined;
      this.deliver();
    }, restMs);
  }

  private onClose(socket: WebSocket): void {
    if (socket !== this.socket) return;
    this.socket = null;
    clearTimeout(this.silence);
    if (!this.wanted) return;
    this.flush();
    const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.attempts);
    this.attempts += 1;
    // Half fixed, half chance, so that a thousand consoles do not come back in the same instant.
    const wait = ceiling / 2 + Math.random() * (ceiling / 2);
    const at = serverNow();
    this.store.dispatch(StreamEvents.lost({ at, retryAt: at + wait }));
    this.retry = setTimeout(() => this.connect(), wait);
  }

  private listenForSilence(): void {
    clearTimeout(this.silence);
    const socket = this.socket;
    this.silence = setTimeout(() => {
      if (!socket || socket !== this.socket) return;
      socket.onclose = null;
      socket.close();
      this.onClose(socket);
    }, SILENCE_MS);
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onclose = null;
    socket.onmessage = null;
    socket.close();
  }
}

/** Somebody waits for these, so that they, and what came before them, do not wait for the window to end. */
const isAwaited = ({ type }: AosEvent) =>
  type === 'approval.request' || type === 'task.receipt' || type === 'anomaly.detected';
