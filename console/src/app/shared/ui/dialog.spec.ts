import { jest } from '@jest/globals';
import { ChangeDetectionStrategy, Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { provideWords } from '../../../testing/transloco';
import { HttpErrorResponse } from '@angular/common/http';
import { type Call, failed, idle, loading } from '../api/problem';
import { ConfirmDialog } from './confirm-dialog';

@Component({
  imports: [ConfirmDialog],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <button type="button" id="opener" (click)="isOpen.set(true)">Open</button>
    @if (isOpen()) {
      <aos-confirm-dialog
        title="Delete the secret"
        action="Delete"
        name="API_KEY"
        [call]="call()"
        (confirmed)="confirmed = confirmed + 1"
        (closed)="isOpen.set(false)"
        >Steps that use it will fail.</aos-confirm-dialog
      >
    }
  `,
})
class Host {
  readonly isOpen = signal(false);
  readonly call = signal<Call>(idle);
  confirmed = 0;
}

describe('a dialog that asks before it destroys', () => {
  afterEach(() => jest.useRealTimers());
  const open = async () => {
    TestBed.configureTestingModule({ imports: [Host], providers: [provideWords()] });
    const fixture = TestBed.createComponent(Host);
    const root = fixture.nativeElement as HTMLElement;
    document.body.append(root);
    const opener = root.querySelector<HTMLButtonElement>('#opener')!;
    opener.focus();
    opener.click();
    await fixture.whenStable();
    const type = async (text: string) => {
      const field = root.querySelector<HTMLInputElement>('#confirm-name')!;
      field.value = text;
      field.dispatchEvent(new Event('input'));
      await fixture.whenStable();
    };
    const submit = async () => {
      root.querySelector('form')!.dispatchEvent(new Event('submit', { cancelable: true }));
      await fixture.whenStable();
    };
    const deed = () => root.querySelector<HTMLButtonElement>('button[type=submit]')!;
    return { fixture, root, opener, type, submit, deed, host: fixture.componentInstance };
  };

  it('does nothing until the name stands there as it is', async () => {
    const { type, submit, deed, host } = await open();
    expect(deed().disabled).toBe(true);
    await submit();
    await type('api_key');
    await submit();
    expect(host.confirmed).toBe(0);
    await type('API_KEY');
    expect(deed().disabled).toBe(false);
    await submit();
    expect(host.confirmed).toBe(1);
  });

  it('neither asks twice nor closes while the deed is on its way', async () => {
    const { fixture, root, type, submit, host } = await open();
    await type('API_KEY');
    host.call.set(loading);
    await fixture.whenStable();
    await submit();
    const cancel = new Event('cancel', { cancelable: true });
    root.querySelector('dialog')!.dispatchEvent(cancel);
    expect([host.confirmed, cancel.defaultPrevented]).toEqual([0, true]);
  });

  it('says after a while that there is no answer yet, and lets go once the wait is over', async () => {
    const { fixture, root, type, host } = await open();
    await type('API_KEY');
    jest.useFakeTimers();
    const said = () => root.querySelector('.wait[role=status]') !== null;
    const close = () => root.querySelector<HTMLButtonElement>('header button')!;
    host.call.set(loading);
    fixture.detectChanges();
    jest.advanceTimersByTime(9_000);
    fixture.detectChanges();
    expect([said(), close().disabled]).toEqual([false, true]);
    jest.advanceTimersByTime(2_000);
    fixture.detectChanges();
    expect(said()).toBe(true);
    host.call.set(failed(new HttpErrorResponse({ status: 0 })));
    fixture.detectChanges();
    jest.useRealTimers();
    expect([said(), close().disabled]).toEqual([false, false]);
  });

  it('goes with the page that it was opened on, and stays when only its filter changes', async () => {
    const { fixture, host } = await open();
    const router = TestBed.inject(Router);
    router.resetConfig([{ path: '**', component: ConfirmDialog }]);
    await router.navigateByUrl('/?status=failed');
    await fixture.whenStable();
    expect(host.isOpen()).toBe(true);
    await router.navigateByUrl('/elsewhere');
    await fixture.whenStable();
    expect(host.isOpen()).toBe(false);
  });

  it('gives the focus to the room where what opened it is gone', async () => {
    const { fixture, root, opener } = await open();
    const room = document.createElement('main');
    room.id = 'room';
    room.tabIndex = -1;
    document.body.append(room);
    opener.remove();
    root.querySelector('dialog')!.close();
    await fixture.whenStable();
    expect(document.activeElement).toBe(room);
    room.remove();
  });

  it('gives the focus back to what opened it', async () => {
    const { fixture, root, opener, host } = await open();
    root.querySelector<HTMLInputElement>('#confirm-name')!.focus();
    root.querySelector('dialog')!.close();
    await fixture.whenStable();
    expect(host.isOpen()).toBe(false);
    expect(document.activeElement).toBe(opener);
  });
});
