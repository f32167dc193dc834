import { TestBed } from '@angular/core/testing';
import { type Problem, inEnglish, say } from '@aos/contracts';
import { TranslocoService, provideTransloco } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { languages } from '../../i18n/languages';
import { ProblemNote } from './problem-note';

const problem = (more: Partial<Problem>): Problem => ({
  ...{ type: 'about:blank', status: 409, title: 'Something by that name exists', traceId: '' },
  ...{ code: 'already_exists', detail: 'There is a role night already.', ...more },
});

async function draw(language: 'en' | 'zh', of: Problem) {
  TestBed.resetTestingModule();
  TestBed.configureTestingModule({
    imports: [ProblemNote],
    providers: [
      provideTransloco({
        config: { availableLangs: ['en', 'zh'], defaultLang: language, reRenderOnLangChange: true },
        loader: languages,
      }),
    ],
  });
  await firstValueFrom(TestBed.inject(TranslocoService).load(language));
  const fixture = TestBed.createComponent(ProblemNote);
  fixture.componentRef.setInput('problem', of);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const said = () => [...root.querySelectorAll('p')].map(({ textContent }) => textContent?.trim());
  return { fixture, said };
}
const show = async (language: 'en' | 'zh', of: Problem) => (await draw(language, of)).said();

describe('a problem', () => {
  const told = problem({ said: say('role-exists', { role: 'night' }) });

  it('is told in Chinese: what it is, what was wrong and at which field', async () => {
    expect(await show('zh', told)).toEqual(['已有同名的内容', '已有角色 night。']);
    const faulty = problem({
      code: 'validation_failed',
      detail: 'name: is missing',
      errors: [{ path: 'name', message: 'is missing', said: say('field-missing') }],
    });
    expect(await show('zh', faulty)).toEqual(['请求不符合要求', 'name 缺少这一项']);
  });

  it('is told as the server put it where there is no code, and where the console is in English', async () => {
    expect(await show('zh', problem({}))).toEqual(['已有同名的内容', told.detail]);
    expect(await show('en', told)).toEqual([told.title, told.detail]);
  });

  it('is told anew when the language changes while it stands there', async () => {
    const { fixture, said } = await draw('en', told);
    expect(said()).toEqual([told.title, told.detail]);
    const transloco = TestBed.inject(TranslocoService);
    // The words of the other language are fetched only then, and it is drawn before they are here.
    transloco.setActiveLang('zh');
    fixture.detectChanges();
    await firstValueFrom(transloco.selectTranslate('problem.retry', {}, 'zh'));
    await fixture.whenStable();
    expect(said()).toEqual(['已有同名的内容', '已有角色 night。']);
  });

  it('is told by its own case where one code stands for many', async () => {
    const limited = say('limit-reached', {
      of: 'env',
      words: say('calls-a-minute', { limit: 60 }),
    });
    const of = problem({
      code: 'too_many_requests',
      title: 'Too many requests',
      detail: inEnglish(limited),
      said: limited,
    });
    expect(await show('zh', of)).toEqual(['请求次数过多', '已达到 env 的限额（每分钟 60 次）。']);
    expect(await show('en', of)).toEqual(['Too many requests', inEnglish(limited)]);
  });

  it('is told in the words of the console where it has some', async () => {
    const [title, todo] = await show(
      'zh',
      problem({ code: 'last_owner', detail: 'Make another.' }),
    );
    expect([title, todo]).toEqual(['必须保留一位所有者', '请先指定另一位所有者。']);
  });
});
