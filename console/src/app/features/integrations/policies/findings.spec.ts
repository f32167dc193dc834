import { TestBed } from '@angular/core/testing';
import { type CallFinding, inEnglish, say } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { provideWords } from '../../../../testing/transloco';
import { sentences } from '../../../i18n/sentences.zh';
import { words } from '../words.en';
import { Findings } from './findings';

const denied = say('policy-denies', { tool: 'env.shell', rule: 'no-shell' });
const links: CallFinding[] = [
  {
    link: 'policy',
    verdict: 'stop',
    says: inEnglish(denied),
    said: [denied],
    code: 'policy_denied',
  },
  {
    link: 'schema',
    verdict: 'pass',
    says: 'A newer server put it so.',
    said: [{ code: 'of-late' }],
  },
];

async function show(language: 'en' | 'zh') {
  TestBed.configureTestingModule({
    imports: [Findings],
    providers: [provideWords({ integrations: words })],
  });
  const transloco = TestBed.inject(TranslocoService);
  transloco.setTranslation({ integrations: words, said: sentences }, 'zh');
  transloco.setActiveLang(language);
  const fixture = TestBed.createComponent(Findings);
  fixture.componentRef.setInput('outcome', 'stop');
  fixture.componentRef.setInput('links', links);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  return [...root.querySelectorAll('.says aos-revealed')].map((each) => each.textContent?.trim());
}

describe('the findings of a dry run', () => {
  it('are told as the server put them where the console is in English', async () => {
    expect(await show('en')).toEqual([
      'The policy "no-shell" forbids calling env.shell in this way.',
      'A newer server put it so.',
    ]);
  });

  it('are told in Chinese, and in English where that is all there is', async () => {
    expect(await show('zh')).toEqual([
      '策略“no-shell”禁止这样调用 env.shell。',
      'A newer server put it so.',
    ]);
  });
});
