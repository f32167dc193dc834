import { TestBed } from '@angular/core/testing';
import { type StepState, type ToolCall, inEnglish, say } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { provideWords } from '../../../../testing/transloco';
import { sentences } from '../../../i18n/sentences.zh';
import { words } from '../words.en';
import { StepPanel } from './step-panel';

const said = say('file-none', { path: 'a.csv' });
const error = inEnglish(said);

async function faultsIn(language: 'en' | 'zh', of: { said?: typeof said }) {
  TestBed.configureTestingModule({
    imports: [StepPanel],
    providers: [provideWords({ projects: words })],
  });
  const transloco = TestBed.inject(TranslocoService);
  transloco.setTranslation({ projects: words, said: sentences }, 'zh');
  transloco.setActiveLang(language);
  const fixture = TestBed.createComponent(StepPanel);
  const step: Partial<StepState> = {
    id: 'read',
    state: 'failed',
    needs: [],
    args: {},
    error,
    ...of,
  };
  const call: Partial<ToolCall> = { id: '1', status: 'failed', attempt: 1, error, ...of };
  fixture.componentRef.setInput('step', step);
  fixture.componentRef.setInput('calls', [call]);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  return [...root.querySelectorAll('.fault')].map(({ textContent }) => textContent?.trim());
}

describe('a step that failed', () => {
  it('says in Chinese what its tool said by a code, and so does each call', async () => {
    const chinese = '工作区中没有“a.csv”。';
    expect(await faultsIn('zh', { said })).toEqual([chinese, chinese]);
  });

  it('says in English what was kept without one', async () => {
    expect(await faultsIn('zh', {})).toEqual([error, error]);
  });

  it('says in English what it said where the console is in English', async () => {
    expect(await faultsIn('en', { said })).toEqual([error, error]);
  });
});
