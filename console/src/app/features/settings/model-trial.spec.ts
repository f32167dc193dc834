import { TestBed } from '@angular/core/testing';
import type { ModelTrial as Trial } from '@aos/contracts';
import { Subject } from 'rxjs';
import { provideWords } from '../../../testing/transloco';
import { ModelTrial } from './model-trial';
import { SettingsApi } from './settings-api';
import { words } from './words.en';

const good: Trial = {
  ...{ ok: true, model: 'gpt', durationMs: 1234, inputTokens: 20, outputTokens: 3, fault: null },
};

async function open() {
  const asked: string[] = [];
  const answers: Subject<Trial>[] = [];
  const api = {
    tryModel: (section: string) => {
      asked.push(section);
      answers.push(new Subject<Trial>());
      return answers.at(-1);
    },
  };
  TestBed.configureTestingModule({
    providers: [provideWords({ settings: words }), { provide: SettingsApi, useValue: api }],
  });
  const fixture = TestBed.createComponent(ModelTrial);
  const set = async (version: number) => {
    fixture.componentRef.setInput('version', version);
    await fixture.whenStable();
  };
  fixture.componentRef.setInput('section', 'llm');
  fixture.componentRef.setInput('label', 'Language model');
  await set(1);
  const host = fixture.nativeElement as HTMLElement;
  const button = host.querySelector('button')!;
  const press = async () => {
    button.click();
    await fixture.whenStable();
  };
  const answer = async (trial: Trial) => {
    answers.at(-1)!.next(trial);
    answers.at(-1)!.complete();
    await Promise.resolve(); // what waits for the answer goes on
    await fixture.whenStable();
  };
  const said = () => host.querySelector('[role=status]')!.textContent.trim();
  return { asked, button, press, answer, said, set };
}

test('a model is asked, and what it took is said', async () => {
  const { asked, button, press, answer, said } = await open();
  await press();
  expect([asked, button.disabled, said()]).toEqual([['llm'], true, 'Asking the model…']);
  await answer(good);
  expect(button.disabled).toBe(false);
  expect(said()).toContain('gpt answered in 1.2 s, with 20 tokens in and 3 out.');
  await press();
  await answer({ ...good, inputTokens: null, outputTokens: null });
  expect(said()).toContain('gpt answered in 1.2 s.');
});

test('what is wrong is told in the provider’s words', async () => {
  const { press, answer, said } = await open();
  await press();
  await answer({ ...good, ok: false, fault: '401 no such key' });
  expect(said()).toMatch(/gpt cannot be used as it is set:\s*401 no such key/);
});

test('of other settings nothing is said by what came of the old ones', async () => {
  const { press, answer, said, set } = await open();
  await press();
  await set(2);
  await answer(good);
  expect(said()).toBe('');
  await press();
  await answer(good);
  expect(said()).not.toBe('');
  await set(3);
  expect(said()).toBe('');
});
