import { ChangeDetectionStrategy, Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router, provideRouter } from '@angular/router';
import type { Problem } from '@aos/contracts';
import { provideWords } from '../../testing/transloco';
import { Dialog } from '../shared/ui/dialog';
import { ProblemNote } from '../shared/ui/problem-note';
import { PageProblem } from './page-problem';

const problem = (traceId: string, more: Partial<Problem> = {}): Problem => ({
  ...{ type: 'about:blank', status: 503, code: 'unavailable', title: 'Not available right now' },
  ...{ detail: 'Try again in a moment.', traceId, ...more },
});

@Component({
  imports: [Dialog, PageProblem, ProblemNote],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (hasFrame()) {
      <aos-page-problem />
    }
    @for (part of parts(); track $index) {
      @if (part) {
        <aos-problem
          class="part"
          [problem]="part"
          [canRetry]="true"
          [isOwn]="own() === $index"
          (retry)="retried.push($index)"
        />
      }
    }
    @if (inDialog(); as problem) {
      <aos-dialog title="A dialog">
        <aos-problem class="part" [problem]="problem" [canRetry]="true" />
      </aos-dialog>
    }
  `,
})
class Room {
  readonly hasFrame = signal(true);
  readonly parts = signal<readonly (Problem | null)[]>([]);
  readonly own = signal(-1);
  readonly inDialog = signal<Problem | null>(null);
  readonly retried: number[] = [];
}

async function show(...parts: (Problem | null)[]) {
  TestBed.configureTestingModule({ providers: [provideWords(), provideRouter([])] });
  const fixture = TestBed.createComponent(Room);
  const room = fixture.componentInstance;
  const root = fixture.nativeElement as HTMLElement;
  const become = async (...now: (Problem | null)[]) => {
    room.parts.set(now);
    await fixture.whenStable();
  };
  await become(...parts);
  const alerts = (within: string) =>
    [...root.querySelectorAll(within)].map(
      (each) => each.querySelector('[role=alert] .title')?.textContent ?? each.textContent?.trim(),
    );
  return {
    room,
    fixture,
    become,
    above: () => alerts('aos-page-problem aos-problem'),
    inParts: () => alerts('.part'),
    retry: () => root.querySelector<HTMLButtonElement>('aos-page-problem .actions button')!.click(),
  };
}

const whole = 'Not available right now';
const quiet = 'Not loaded';

describe('a problem of all of a page', () => {
  it('is told once, above it, and each part says no more than that it was not loaded', async () => {
    const { above, inParts, room, retry } = await show(problem('a'), problem('b'), problem('c'));
    expect([above(), inParts()]).toEqual([[whole], [quiet, quiet, quiet]]);
    retry();
    expect(room.retried).toEqual([0, 1, 2]);
  });

  it('is told where it stands by a single part, and by all where no frame would tell it', async () => {
    const { above, inParts, become, room, fixture } = await show(problem('a'));
    expect([above(), inParts()]).toEqual([[], [whole]]);
    room.hasFrame.set(false);
    await become(problem('a'), problem('b'));
    await fixture.whenStable();
    expect([above(), inParts()]).toEqual([[], [whole, whole]]);
  });

  it('is none where parts have other problems, or such as are of one thing', async () => {
    const other = problem('b', { code: 'internal', title: 'Something went wrong on the server' });
    const { above, inParts, become } = await show(problem('a'), other);
    expect([above(), inParts()]).toEqual([[], [whole, other.title]]);
    const gone = { status: 404, code: 'not_found', title: 'There is nothing here' };
    await become(problem('a', gone), problem('b', gone));
    expect([above(), inParts()]).toEqual([[], [gone.title, gone.title]]);
  });

  it('leaves alone what somebody pressed for, and does not do it again', async () => {
    const { above, inParts, become, room, retry } = await show();
    room.own.set(2);
    await become(problem('a'), problem('b'), problem('c'));
    expect([above(), inParts()]).toEqual([[whole], [quiet, quiet, whole]]);
    retry();
    expect(room.retried).toEqual([0, 1]);
  });

  it('is not of what a dialog shows: it stands before the page', async () => {
    const { above, inParts, room, fixture } = await show(problem('a'));
    room.inDialog.set(problem('b'));
    await fixture.whenStable();
    expect([above(), inParts()]).toEqual([[], [whole, whole]]);
  });

  it('stays above while its parts are tried again, and is of the page alone', async () => {
    const { above, inParts, become } = await show(problem('a'), problem('b'));
    await become(null, null);
    expect([above(), inParts()]).toEqual([[], []]);
    await become(problem('d'), null);
    expect([above(), inParts()]).toEqual([[whole], [quiet]]);
    await become(null, null);
    await TestBed.inject(Router).navigateByUrl('/');
    await become(problem('e'), null);
    expect([above(), inParts()]).toEqual([[], [whole]]);
  });

  it('stays where the address changes while it stands there', async () => {
    const { above, inParts, fixture } = await show(problem('a'), problem('b'));
    await TestBed.inject(Router).navigateByUrl('/');
    await fixture.whenStable();
    expect([above(), inParts()]).toEqual([[whole], [quiet, quiet]]);
  });
});
