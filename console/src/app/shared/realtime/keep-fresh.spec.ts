import { jest } from '@jest/globals';
import {
  EnvironmentInjector,
  createEnvironmentInjector,
  runInInjectionContext,
} from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Actions } from '@ngrx/effects';
import { EMPTY, Subject } from 'rxjs';
import { keepFresh } from './keep-fresh';

function setup() {
  TestBed.configureTestingModule({ providers: [{ provide: Actions, useValue: EMPTY }] });
  const page = createEnvironmentInjector([], TestBed.inject(EnvironmentInjector));
  const questions: Subject<void>[] = [];
  runInInjectionContext(page, () =>
    keepFresh(() => {
      const question = new Subject<void>();
      questions.push(question);
      return [question.subscribe({ error: () => undefined })];
    }),
  );
  return { questions, leave: () => page.destroy() };
}

describe('a page that keeps fresh', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('asks nothing while what it asked before is without its answer, and soon after it has come', () => {
    const { questions, leave } = setup();
    jest.advanceTimersByTime(5_100);
    expect(questions).toHaveLength(1);
    jest.advanceTimersByTime(60_000);
    expect(questions).toHaveLength(1);
    questions[0]?.complete();
    jest.advanceTimersByTime(1_100);
    expect(questions).toHaveLength(2);
    questions[1]?.error(new Error('nobody there'));
    jest.advanceTimersByTime(10_000);
    expect(questions).toHaveLength(3);
    leave();
  });

  it('rests while nobody looks at it, and catches up when somebody does again', () => {
    const seen = jest.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
    const { questions, leave } = setup();
    jest.advanceTimersByTime(60_000);
    expect(questions).toHaveLength(0);
    seen.mockRestore();
    document.dispatchEvent(new Event('visibilitychange'));
    jest.advanceTimersByTime(1_100);
    expect(questions).toHaveLength(1);
    leave();
  });

  it('asks no more once it is left', () => {
    const { questions, leave } = setup();
    leave();
    jest.advanceTimersByTime(60_000);
    expect(questions).toHaveLength(0);
  });
});
