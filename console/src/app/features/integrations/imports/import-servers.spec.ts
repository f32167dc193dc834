import { TestBed } from '@angular/core/testing';
import { By } from '@angular/platform-browser';
import { provideRouter } from '@angular/router';
import { type ImportedServer, inEnglish, say } from '@aos/contracts';
import { TranslocoService } from '@jsverse/transloco';
import { NEVER, type Observable, of } from 'rxjs';
import { provideSession } from '../../../../testing/session';
import { provideWords } from '../../../../testing/transloco';
import { sentences } from '../../../i18n/sentences.zh';
import { AosApi } from '../../../shared/api/aos-api';
import { IntegrationsApi } from '../integrations-api';
import { words } from '../words.en';
import { FileDrop } from './file-drop';
import { ImportServersDialog } from './import-servers';

const wants = say('import-wants-secret', { variable: 'GITHUB_TOKEN' });
const off = say('import-off');
const entry = (name: string, more: Partial<ImportedServer> = {}): ImportedServer => ({
  ...{ entry: name, name, outcome: 'add', why: null, wants: null },
  server: { transport: 'stdio', url: null, command: 'npx', args: [name], secret: null },
  ...more,
});
const items = [
  entry('memory'),
  entry('github', {
    outcome: 'needs-secret',
    why: inEnglish(wants),
    said: wants,
    wants: 'GITHUB_TOKEN',
  }),
  entry('old', { outcome: 'refused', why: inEnglish(off), said: off, server: null }),
];
const document = { mcpServers: { memory: {}, github: {}, old: {} } };

async function show(language: 'en' | 'zh' = 'en') {
  const sent: unknown[] = [];
  let answered: Observable<unknown> = of({ items, added: [] });
  const api = {
    importServers: (body: { preview: boolean }) => {
      sent.push(body);
      return answered;
    },
  };
  TestBed.configureTestingModule({
    imports: [ImportServersDialog],
    providers: [
      provideRouter([]),
      provideWords({ integrations: words }),
      { provide: IntegrationsApi, useValue: api },
      { provide: AosApi, useValue: { secretNames: () => of(['GITHUB_TOKEN']) } },
      provideSession('secret.write'),
    ],
  });
  const transloco = TestBed.inject(TranslocoService);
  transloco.setTranslation({ integrations: words, said: sentences }, 'zh');
  transloco.setActiveLang(language);
  const fixture = TestBed.createComponent(ImportServersDialog);
  await fixture.whenStable();
  const root = fixture.nativeElement as HTMLElement;
  const file = fixture.debugElement.query(By.directive(FileDrop)).componentInstance as FileDrop;
  file.taken.emit({ name: 'settings.json', text: JSON.stringify(document) });
  await fixture.whenStable();
  const press = async () => {
    root.querySelector<HTMLButtonElement>('.btn.filled')!.click();
    await fixture.whenStable();
  };
  await press();
  const rowOf = (name: string) => root.querySelector<HTMLElement>(`[data-entry=${name}]`)!;
  const answer = (next: Observable<unknown>) => (answered = next);
  return { fixture, root, sent, press, rowOf, answer };
}

// jsdom measures nothing; the editor asks all the same.
Range.prototype.getClientRects ??= () => [] as unknown as DOMRectList;

describe('the import of servers', () => {
  it('looks first, and adds what can be added and nothing else', async () => {
    const { sent, press, rowOf } = await show();
    const box = (name: string) => rowOf(name).querySelector<HTMLInputElement>('[type=checkbox]')!;
    expect(['memory', 'github', 'old'].map((name) => box(name).checked)).toEqual([
      ...[true, false, false],
    ]);
    expect(box('old').disabled).toBe(true);
    await press();
    expect(sent).toEqual([
      { ...document, secrets: {}, preview: true },
      { ...document, include: ['memory'], secrets: {}, preview: false },
    ]);
  });

  it('adds them once, however fast the button is pressed twice', async () => {
    const { fixture, root, sent, answer } = await show();
    answer(NEVER);
    const add = root.querySelector<HTMLButtonElement>('.btn.filled')!;
    add.click();
    add.click();
    await fixture.whenStable();
    expect(sent).toHaveLength(2);
  });

  it('asks the server anew what becomes of an entry that was given its secret', async () => {
    const { fixture, sent, rowOf } = await show();
    const secret = rowOf('github').querySelector<HTMLSelectElement>('select')!;
    secret.value = 'GITHUB_TOKEN';
    secret.dispatchEvent(new Event('change'));
    await fixture.whenStable();
    expect(sent.at(-1)).toEqual({
      ...document,
      secrets: { github: 'GITHUB_TOKEN' },
      preview: true,
    });
  });

  it('says why in the language of the console', async () => {
    expect((await show()).rowOf('old').textContent).toContain(
      'is switched off where it comes from',
    );
    TestBed.resetTestingModule();
    const { rowOf } = await show('zh');
    expect(rowOf('old').textContent).toContain('在来源处已停用');
    expect(rowOf('github').textContent).toContain('不会从文档中取用 GITHUB_TOKEN');
  });
});
