import { TestBed } from '@angular/core/testing';
import { By } from '@angular/platform-browser';
import type { Agent, McpTool, Problem } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { type Call, idle } from '../../shared/api/problem';
import { CodeEditor } from '../../shared/ui/code-editor';
import { Composer } from './composer';
import { type Draft, emptyDraft } from './drafts';
import { words } from './words.en';
import type { Attachment } from './uploads';

const tool = (name: string, description: string, required: string[]): McpTool => ({
  ...{ server: 'skills', name, tool: name, aggregateName: name, title: null, description },
  inputSchema: {
    type: 'object',
    required,
    properties: Object.fromEntries(required.map((key) => [key, { type: 'string' }])),
  },
  ...{ outputSchema: null, idempotent: true, readOnly: true },
});
const tools = [
  tool('env.http.request', 'Asks a web server.', ['url', 'method']),
  tool('skills.csv.profile', 'Tells what a CSV file holds.', ['file']),
];
const agents = [{ id: '1', name: 'data-analyst', status: 'running' }] as Agent[];
const file: Attachment = {
  ...{ key: 'k', name: 'data', fileName: 'data.csv', bytes: 10 },
  ...{ artifactId: 'a1', sent: 1, problem: null },
};

async function show(
  over: Partial<{
    draft: Draft;
    tools: McpTool[];
    files: Attachment[];
    call: Call;
    said: string[];
  }> = {},
) {
  TestBed.configureTestingModule({ providers: [provideWords({ chat: words })] });
  const fixture = TestBed.createComponent(Composer);
  const set = (name: string, value: unknown) => fixture.componentRef.setInput(name, value);
  set('draft', over.draft ?? emptyDraft);
  set('agents', agents);
  set('tools', over.tools ?? tools);
  set('files', over.files ?? []);
  set('call', over.call ?? idle);
  set('said', over.said ?? []);
  let sent = 0;
  let asked = 0;
  fixture.componentInstance.submitted.subscribe(() => (sent += 1));
  fixture.componentInstance.offered.subscribe(() => (asked += 1));
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const box = host.querySelector<HTMLTextAreaElement>('#goal')!;
  return {
    host,
    box,
    set,
    draft: () => fixture.componentInstance.draft(),
    sent: () => sent,
    asked: () => asked,
    stable: () => fixture.whenStable(),
    editor: () =>
      fixture.debugElement.query(By.directive(CodeEditor)).componentInstance as CodeEditor,
    type: async (text: string) => {
      box.value = text;
      box.setSelectionRange(text.length, text.length);
      box.dispatchEvent(new Event('input'));
      await fixture.whenStable();
    },
    press: async (key: string, more: KeyboardEventInit = {}) => {
      box.dispatchEvent(new KeyboardEvent('keydown', { key, cancelable: true, ...more }));
      await fixture.whenStable();
    },
    offered: () =>
      [...host.querySelectorAll('[role=option]')].map((one) => one.textContent?.trim()),
  };
}

// The editor measures its text; jsdom has no measures to give.
Range.prototype.getClientRects ??= () => [] as unknown as DOMRectList;

describe('the composer', () => {
  it('sends on Enter, but not on the Enter that ends a Chinese character, nor an empty draft', async () => {
    const { type, press, sent } = await show();
    await press('Enter');
    expect(sent()).toBe(0);
    await type('分析');
    await press('Enter', { isComposing: true });
    expect(sent()).toBe(0);
    await press('Enter', { shiftKey: true });
    expect(sent()).toBe(0);
    await press('Enter');
    expect(sent()).toBe(1);
  });

  it('waits with sending for the files', async () => {
    const { type, press, sent, set, stable } = await show({
      files: [{ ...file, artifactId: null }],
    });
    await type('profile it');
    await press('Enter');
    expect(sent()).toBe(0);
    set('files', [file]);
    await stable();
    await press('Enter');
    expect(sent()).toBe(1);
  });

  it('offers skills behind a slash and writes what the planner understands', async () => {
    const { type, press, offered, draft } = await show({ files: [file] });
    await type('/prof');
    expect(offered()).toEqual([expect.stringContaining('csv.profile')]);
    await press('Enter');
    expect(draft()).toMatchObject({ mode: 'text', text: 'profile data.csv' });
    expect(offered()).toEqual([]);
  });

  it('asks for what there is now whenever a mark is typed, and not for every letter behind it', async () => {
    const { type, asked } = await show();
    await type('go');
    expect(asked()).toBe(0);
    await type('go @');
    await type('go @an');
    expect(asked()).toBe(1);
    await type('go ');
    await type('go /');
    await type('go @');
    expect(asked()).toBe(3);
  });

  it('offers skills also when they come later than the slash', async () => {
    const { type, offered, set, stable } = await show({ tools: [] });
    await type('/prof');
    expect(offered()).toEqual([]);
    set('tools', tools);
    await stable();
    expect(offered()).toEqual([expect.stringContaining('csv.profile')]);
  });

  it('makes a step of a tool that a sentence cannot say', async () => {
    const { type, press, draft } = await show();
    await type('fetch it /http');
    await press('Enter');
    expect(draft()).toMatchObject({ mode: 'dsl', text: 'fetch it' });
    expect(JSON.parse(draft().dsl)).toEqual([
      { id: 'request', tool: 'env.http.request', args: { url: '', method: '' } },
    ]);
  });

  it('gives the task to the agent behind an at sign, and keeps the rest of the text', async () => {
    const { type, press, draft } = await show();
    await type('clean it @data');
    await press('Enter');
    expect(draft()).toMatchObject({ text: 'clean it ', agentId: '1' });
  });

  it('offers nothing in the middle of a word, and lets Escape have its way', async () => {
    const { type, press, offered } = await show();
    await type('mara@example and/or');
    expect(offered()).toEqual([]);
    await type('/');
    expect(offered()).toHaveLength(2);
    await press('Escape');
    expect(offered()).toEqual([]);
  });

  it('walks through what was said before, from an empty draft', async () => {
    const { press, type, draft } = await show({ said: ['first', 'second'] });
    await press('ArrowUp');
    expect(draft().text).toBe('second');
    await press('ArrowUp');
    expect(draft().text).toBe('first');
    await press('ArrowDown');
    await press('ArrowDown');
    expect(draft().text).toBe('');
    await type('own');
    await press('ArrowUp');
    expect(draft().text).toBe('own');
  });

  it('counts the faults of steps, and those that the server found in them until they change', async () => {
    const dsl = JSON.stringify([
      { id: 'a', tool: 'skills.csv.profile', args: { file: '${inputs.data}' } },
    ]);
    const problem: Problem = {
      ...{ type: 'x', code: 'plan_invalid', status: 422, title: 'No', detail: '', traceId: '' },
      errors: [{ path: 'steps.0.tool', message: 'is not among the tools of the agent' }],
    };
    const { host, set, stable, draft, editor } = await show({
      draft: { ...emptyDraft, mode: 'dsl', dsl },
      files: [file],
    });
    const count = () => host.querySelector('[data-testid=dsl-faults]')?.textContent;
    expect(count()).toBeUndefined();
    set('call', { state: 'failed', problem });
    await stable();
    expect(count()).toContain('1');
    editor().value.set(draft().dsl.replace('"a"', '"b"'));
    await stable();
    expect(count()).toBeUndefined();
  });
});
