import { Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideWords } from '../../../testing/transloco';
import { SidePanel } from './side-panel';

@Component({
  imports: [SidePanel],
  template: `
    <button type="button" id="row">Row</button>
    @if (isOpen()) {
      <aos-side-panel heading="Detail" fullPage="/full" (closed)="isOpen.set(false)">
        <input id="inside" />
      </aos-side-panel>
    }
  `,
})
class Page {
  readonly isOpen = signal(false);
}

async function show() {
  TestBed.configureTestingModule({ providers: [provideWords(), provideRouter([])] });
  const fixture = TestBed.createComponent(Page);
  const host = fixture.nativeElement as HTMLElement;
  document.body.append(host);
  await fixture.whenStable();
  host.querySelector<HTMLElement>('#row')!.focus();
  fixture.componentInstance.isOpen.set(true);
  await fixture.whenStable();
  return { fixture, host };
}

afterEach(() => document.body.replaceChildren());

describe('the side panel', () => {
  it('leaves the focus in the list beside it, and closes by Escape', async () => {
    const { fixture, host } = await show();
    expect(document.activeElement?.id).toBe('row');
    expect(host.querySelector('a')?.getAttribute('href')).toBe('/full');
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    await fixture.whenStable();
    expect(host.querySelector('aos-side-panel')).toBeNull();
  });

  it('gives the focus back when it closes around it', async () => {
    const { fixture, host } = await show();
    host.querySelector<HTMLElement>('#inside')!.focus();
    host.querySelector<HTMLButtonElement>('header button')!.click();
    await fixture.whenStable();
    expect(document.activeElement?.id).toBe('row');
  });

  it('leaves an Escape alone that was for a dialog', async () => {
    const { fixture, host } = await show();
    const dialog = document.body.appendChild(document.createElement('dialog'));
    dialog.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    await fixture.whenStable();
    expect(host.querySelector('aos-side-panel')).not.toBeNull();
  });
});
