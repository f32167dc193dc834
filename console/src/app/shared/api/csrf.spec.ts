import { HttpClient, provideHttpClient, withInterceptors } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { provideSession } from '../../../testing/session';
import { guardWrites } from './csrf';

function setup() {
  TestBed.configureTestingModule({
    providers: [
      provideHttpClient(withInterceptors([guardWrites])),
      provideHttpClientTesting(),
      provideSession(),
    ],
  });
  const [http, server] = [TestBed.inject(HttpClient), TestBed.inject(HttpTestingController)];
  /** Sends it, and says under which key; what becomes of it is the server's to say. */
  const send = (body: unknown, version = '"1"', path = '/mcp/call') => {
    http
      .patch(path, body, { headers: { 'if-match': version } })
      .subscribe({ error: () => undefined });
    const sent = server.expectOne(path);
    return {
      key: sent.request.headers.get('idempotency-key'),
      lose: () => sent.error(new ProgressEvent('error')),
      answer: (status = 200, code = 'x') =>
        sent.flush({ code, title: 'x' }, { status, statusText: 'x' }),
    };
  };
  return { send };
}

describe('the key of a write', () => {
  it('is the same again for what was sent and not answered, and another one for anything else', () => {
    const { send } = setup();
    const first = send({ to: 'Ada' });
    first.lose();
    const other = send({ to: 'Bob' });
    other.lose();
    const newer = send({ to: 'Ada' }, '"2"');
    newer.lose();
    expect(send({ to: 'Ada' }, '"1"', '/mcp/other').key).not.toBe(first.key);
    const again = send({ to: 'Ada' });
    expect(again.key).toBe(first.key);
    expect(new Set([first.key, other.key, newer.key]).size).toBe(3);
  });

  it.each([502, 504])('is the same again where one on the way answers %d', (status) => {
    const { send } = setup();
    const first = send({});
    first.answer(status);
    expect(send({}).key).toBe(first.key);
  });

  it('is the same again as long as the first one is not done', () => {
    const { send } = setup();
    const first = send({});
    first.lose();
    const second = send({});
    second.answer(409, 'idempotency_in_progress');
    expect(send({}).key).toBe(first.key);
  });

  it.each([200, 409, 503])('is a new one once any write is answered, with a %d', (status) => {
    const { send } = setup();
    const first = send({ enabled: false });
    first.lose();
    send({ enabled: true }).answer(status);
    expect(send({ enabled: false }).key).not.toBe(first.key);
  });

  it('is a new one for the same once more after its answer', () => {
    const { send } = setup();
    const first = send({});
    first.answer();
    expect(send({}).key).not.toBe(first.key);
  });
});
