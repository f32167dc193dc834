import { TestBed } from '@angular/core/testing';
import { Router } from '@angular/router';
import { jest } from '@jest/globals';
import { of } from 'rxjs';
import { provideWords } from '../../testing/transloco';
import { Palette, type Command } from './palette';
import { PaletteSearch, type Place } from './palette-search';

const agent: Place = {
  ...{ id: 'agent:1', group: 'agents', icon: 'agents', name: 'strike-analyst' },
  url: '/agents/1',
};
const run: Place = {
  ...{ id: 'run:t1', group: 'runs', icon: 'play', name: 'Count the strikes' },
  url: '/projects/runs/t1',
};

async function show() {
  const asked: string[] = [];
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const search = TestBed.inject(PaletteSearch);
  search.lists = () => of([agent]);
  let heard = () => {};
  search.find = (words) => {
    asked.push(words);
    heard();
    return of([run]);
  };
  const fixture = TestBed.createComponent(Palette);
  const done: string[] = [];
  const command = (key: string): Command => ({ key, icon: 'plus', run: () => done.push(key) });
  fixture.componentRef.setInput('commands', [command('palette.newChat'), command('rooms.agents')]);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const box = host.querySelector('input')!;
  return {
    asked,
    done,
    offered: () =>
      [...host.querySelectorAll('[role=option]')].map((one) => one.textContent?.trim()),
    headings: () => [...host.querySelectorAll('.heading')].map((one) => one.textContent),
    type: async (text: string) => {
      box.value = text;
      box.dispatchEvent(new Event('input'));
      await fixture.whenStable();
    },
    /** Types, and waits until the server is asked: that comes once the typing rests. */
    search: async (text: string) => {
      const isAsked = new Promise<void>((done) => (heard = done));
      box.value = text;
      box.dispatchEvent(new Event('input'));
      await isAsked;
      await fixture.whenStable();
    },
    press: async (key: string) => {
      const stroke = new KeyboardEvent('keydown', { key, cancelable: true });
      box.dispatchEvent(stroke);
      await fixture.whenStable();
      return stroke;
    },
  };
}

describe('the palette', () => {
  beforeEach(() => localStorage.clear());

  it('finds commands at once, and runs and agents by their names', async () => {
    const { type, search, offered, headings, asked } = await show();
    await type('strike');
    expect(offered()).toEqual(['strike-analyst']);
    await search('strike');
    expect(asked).toEqual(['strike']);
    expect(headings()).toEqual(['Runs', 'Agents']);
    expect(offered()).toEqual(['Count the strikes', 'strike-analyst']);
    await type('agents');
    expect(offered()).toContain('Agents');
  });

  it('does not ask the server for a single letter', async () => {
    const { type, search, asked } = await show();
    await type('s');
    await search('st');
    expect(asked).toEqual(['st']);
  });

  it('goes where the chosen entry leads, and begins with it the next time', async () => {
    const first = await show();
    const went = jest.spyOn(TestBed.inject(Router), 'navigateByUrl').mockResolvedValue(true);
    await first.search('strike');
    await first.press('ArrowDown');
    await first.press('Enter');
    expect(went).toHaveBeenCalledWith('/agents/1');
    TestBed.resetTestingModule();
    const { offered, headings } = await show();
    expect(headings()[0]).toBe('Recent');
    expect(offered()[0]).toBe('strike-analyst');
  });

  it('runs a command by Enter', async () => {
    const { type, press, done } = await show();
    await type('new conv');
    const stroke = await press('Enter');
    expect(done).toEqual(['palette.newChat']);
    // It is used up: the button that has the focus again by then would be pressed by it.
    expect(stroke.defaultPrevented).toBe(true);
  });
});
