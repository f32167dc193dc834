import { TestBed } from '@angular/core/testing';
import { inEnglish, say, sentences } from '@aos/contracts';
import { TranslocoService, provideTransloco } from '@jsverse/transloco';
import { firstValueFrom } from 'rxjs';
import { languages } from '../../i18n/languages';
import { sentences as chinese } from '../../i18n/sentences.zh';
import { Sentences } from './sentences';

const blanks = (text: string) =>
  [...text.matchAll(/{{(\w+)}}/g)].map(([, name]) => name ?? '').sort((a, b) => a.localeCompare(b));

async function setup(language: 'en' | 'zh') {
  TestBed.configureTestingModule({
    providers: [
      provideTransloco({
        config: { availableLangs: ['en', 'zh'], defaultLang: language },
        loader: languages,
      }),
    ],
  });
  await firstValueFrom(TestBed.inject(TranslocoService).load(language));
  return TestBed.inject(Sentences);
}

const receipt = [
  say('steps-some-done', { done: 2, total: 3 }),
  say('files-ready', { count: 5, files: ['a.csv', 'b.csv', say('more', { count: 3 })] }),
];

describe('what the server says', () => {
  it('begins as a sentence where it stands alone, and a stranger’s words as they began', async () => {
    const sentences = await setup('en');
    const said = say('answer-large', { bytes: 2, most: 1 });
    expect(sentences.of(said, 'the answer has 2 bytes')).toBe('the answer has 2 bytes');
    expect(sentences.alone(said, 'the answer has 2 bytes')).toBe('The answer has 2 bytes');
    expect(sentences.alone(undefined, 'npm has failed')).toBe('npm has failed');
  });

  it('is said in Chinese for every code, with the same blanks', () => {
    const of = (texts: Record<string, string>) =>
      Object.entries(texts).map(([code, text]) => `${code} ${blanks(text).join()}`);
    expect(of(chinese)).toEqual(of(sentences));
  });

  it('has Chinese for tools that come with AOS, and leaves what others say of themselves', async () => {
    const zh = await setup('zh');
    expect(zh.ofTool('Reads a file of the workspace, or a part of it, as text or base64.')).toBe(
      '读取工作区中的文件或其一部分，返回文本或 base64。',
    );
    expect(zh.ofTool('Reads every file of the workspace.')).toBe(
      'Reads every file of the workspace.',
    );
    TestBed.resetTestingModule();
    expect((await setup('en')).ofTool('Read a file')).toBe('Read a file');
  });

  it('is put together in the language of the console, parts and lists with it', async () => {
    const zh = await setup('zh');
    expect(zh.of(receipt, inEnglish(receipt))).toBe(
      '3 步中已完成 2 步。5 个文件已就绪：a.csv、b.csv 和其他 3 个。',
    );
  });

  it('keeps room beside what is not Chinese', async () => {
    const zh = await setup('zh');
    const failed = [
      say('as-it-is', { what: 'There is no file.' }),
      say('files-ready', { count: 2, files: ['a.csv', 'b.csv'] }),
    ];
    expect(zh.of(failed, '')).toBe('There is no file. 2 个文件已就绪：a.csv 和 b.csv。');
  });

  it('stays as the server put it where the console is in English', async () => {
    const en = await setup('en');
    expect(en.of(receipt, inEnglish(receipt))).toBe(
      '2 of 3 steps are done. 5 files are ready: a.csv, b.csv and 3 more.',
    );
  });

  it('stays in English where a code, a part or a blank is not known', async () => {
    const zh = await setup('zh');
    for (const said of [
      { code: 'of-tomorrow' },
      [say('task-failed'), { code: 'of-tomorrow' }],
      { code: 'of-step', params: { step: 'a', what: { code: 'of-tomorrow' } } },
      { code: 'of-step', params: { step: 'a' } },
      { code: 'of-step', params: { step: 'a', what: true } },
      { code: 'constructor' },
      [],
      'task-failed',
      null,
    ])
      expect(zh.of(said, 'The words of the server.')).toBe('The words of the server.');
  });
});
