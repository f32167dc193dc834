import { Component, signal } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import type { CompletionSource } from '@codemirror/autocomplete';
import { EditorView } from '@codemirror/view';
import { provideWords } from '../../../testing/transloco';
import { CodeEditor } from './code-editor';

@Component({
  imports: [CodeEditor],
  template: `<aos-code-editor
    label="Steps"
    language="text"
    [(value)]="value"
    [completions]="completions()"
  />`,
})
class Page {
  readonly value = signal('one three');
  readonly completions = signal<CompletionSource | null>(null);
}

// The editor measures its text; jsdom has no measures to give.
Range.prototype.getClientRects ??= () => [] as unknown as DOMRectList;
// It passes for Safari, whose selection in a shadow root the editor reads by way of a command.
document.execCommand ??= () => false;

function show() {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(Page);
  const host = fixture.nativeElement as HTMLElement;
  document.body.append(host);
  fixture.detectChanges();
  const shadow = () => host.querySelector('.place')!.shadowRoot;
  const find = async (selector: string) => {
    for (;;) {
      const found = shadow()?.querySelector<HTMLElement>(selector);
      if (found) return found;
      await new Promise((turn) => setTimeout(turn));
    }
  };
  return { fixture, page: fixture.componentInstance, host, find };
}

afterEach(() => document.body.replaceChildren());

describe('the code editor', () => {
  it('lets whoever writes in the plain box go on at the same place once CodeMirror is there', async () => {
    const { fixture, page, host, find } = show();
    const plain = host.querySelector('textarea')!;
    plain.focus();
    plain.setSelectionRange(4, 4);
    const content = await find('.cm-content');
    await fixture.whenStable();
    expect(host.querySelector('textarea')).toBeNull();
    expect(host.querySelector('.place')!.shadowRoot!.activeElement).toBe(content);
    const view = EditorView.findFromDOM(content)!;
    view.dispatch(view.state.replaceSelection('two '));
    expect(page.value()).toBe('one two three');
  });

  it('takes no focus from where it is', async () => {
    const { fixture, host, find } = show();
    const elsewhere = document.body.appendChild(document.createElement('input'));
    elsewhere.focus();
    await find('.cm-content');
    await fixture.whenStable();
    expect(host.querySelector('textarea')).toBeNull();
    expect(document.activeElement).toBe(elsewhere);
  });

  it('offers what it could not when it was typed, as soon as it can', async () => {
    const { fixture, page, find } = show();
    const content = await find('.cm-content');
    await fixture.whenStable();
    let asked = () => undefined as void;
    const isAsked = new Promise<void>((done) => (asked = done));
    page.completions.set(() => {
      asked();
      return null;
    });
    await fixture.whenStable();
    const view = EditorView.findFromDOM(content)!;
    view.focus();
    view.dispatch({
      changes: { from: 0, insert: 'z' },
      selection: { anchor: 1 },
      userEvent: 'input.type',
    });
    await isAsked;
    page.completions.set(({ pos }) => ({ from: pos - 1, options: [{ label: 'zero' }] }));
    await fixture.whenStable();
    expect((await find('.cm-tooltip-autocomplete li')).textContent).toBe('zero');
  });
});
