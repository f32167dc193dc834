import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { jest } from '@jest/globals';
import { anEvent } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import { Notices } from './notices';

const shown: FakeNotice[] = [];
let answer: NotificationPermission = 'granted';
let asked = 0;
class FakeNotice {
  static permission: NotificationPermission = 'default';
  static requestPermission() {
    asked += 1;
    FakeNotice.permission = answer;
    return Promise.resolve(answer);
  }
  onclick: (() => void) | null = null;
  constructor(
    readonly title: string,
    readonly options: { body: string; tag: string },
  ) {
    shown.push(this);
  }
  close() {
    shown.splice(shown.indexOf(this), 1);
  }
}

function setup(visibility: DocumentVisibilityState = 'hidden') {
  Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true });
  TestBed.configureTestingModule({ providers: [provideWords()] });
  return TestBed.inject(Notices);
}

describe('notices of the desktop', () => {
  beforeEach(() => {
    localStorage.clear();
    shown.length = 0;
    asked = 0;
    answer = 'granted';
    FakeNotice.permission = 'default';
    Object.assign(globalThis, { Notification: FakeNotice });
  });

  it('are off, and leave is not asked for, until a person turns them on', async () => {
    const notices = setup();
    notices.tell([anEvent({ type: 'approval.request' })]);
    expect([asked, shown.length, notices.areOn()]).toEqual([0, 0, false]);
    await notices.turn();
    expect([asked, notices.areOn()]).toEqual([1, true]);
    await notices.turn();
    expect(notices.areOn()).toBe(false);
  });

  it('stay off where the browser refuses', async () => {
    answer = 'denied';
    const notices = setup();
    await notices.turn();
    notices.tell([anEvent({ type: 'approval.request' })]);
    expect([notices.areOn(), shown.length]).toEqual([false, 0]);
  });

  it('tell of decisions, ends and errors, and lead to them', async () => {
    const notices = setup();
    await notices.turn();
    notices.tell([
      anEvent({ type: 'task.progress.milestone' }),
      anEvent({ type: 'anomaly.detected', severity: 'warning' }),
      anEvent({ type: 'task.receipt', traceId: 't/1', summary: 'All is done.' }),
    ]);
    expect(shown.map(({ options }) => options)).toEqual([{ body: 'All is done.', tag: 't/1' }]);
    const went = jest.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
    window.focus = () => undefined;
    shown[0]!.onclick?.();
    expect(went).toHaveBeenCalledWith('/projects/runs/t%2F1');
    expect(shown).toEqual([]);
  });

  it('say nothing to who is looking', async () => {
    const notices = setup('visible');
    await notices.turn();
    notices.tell([anEvent({ type: 'task.receipt' })]);
    expect(shown).toEqual([]);
  });
});
