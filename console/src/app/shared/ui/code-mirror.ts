import {
  type CompletionSource,
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  startCompletion,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import {
  HighlightStyle,
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, linter } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, StateEffect } from '@codemirror/state';
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
  tooltips,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { codeLanguage } from './code-languages';
import { placeOf } from './json-places';

export type CodeLanguage = 'json' | 'markdown' | 'text' | CodeFamily;
export type CodeFamily = 'c-like' | 'python' | 'sql' | 'shell' | 'yaml' | 'markup' | 'css';

export interface CodeFault {
  message: string;
  /** In JSON: what it is about, as the server says it (`steps.0.args.file`). */
  path?: string;
  from?: number;
  to?: number;
  severity?: 'error' | 'warning';
}

interface Setup {
  value: string;
  label: string;
  placeholder: string;
  minLines: number;
  maxLines: number;
  fills: boolean;
  words: (key: string) => string;
  onChange: (value: string) => void;
  onSubmit: () => void;
  completions: () => CompletionSource | null;
}
interface Changing {
  value: string;
  language: CodeLanguage;
  isReadonly: boolean;
  faults: readonly CodeFault[];
}
export interface Mounted {
  update(next: Changing): void;
  /** At this stretch of the text, where one is given. */
  focus(selection?: { anchor: number; head: number }): void;
  /** There is something else to complete with: offers it where the last time nothing could be. */
  offerAgain(): void;
  insert(text: string): void;
  destroy(): void;
}

const LINE_PX = 20;
/** The faults have changed, though the text has not. */
const lookAgain = StateEffect.define<null>();

/** Puts an editor into the shadow root of `place`. Loaded on demand: see CodeEditor. */
export function mount(place: HTMLElement, setup: Setup): Mounted {
  const root = place.shadowRoot ?? place.attachShadow({ mode: 'open' });
  const [language, access] = [new Compartment(), new Compartment()];
  /** Where something was typed and there was nothing to complete it with. */
  let unanswered = -1;
  const source: CompletionSource = (context) => {
    const found = setup.completions()?.(context) ?? null;
    const isNothing = found === null || ('options' in found && found.options.length === 0);
    unanswered = isNothing ? context.pos : -1;
    return found;
  };
  let shown: Changing = { value: setup.value, language: 'text', isReadonly: false, faults: [] };

  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: setup.value,
      extensions: [
        access.of([]),
        language.of([]),
        looks(setup),
        behaviour(setup, source),
        linter((one) => faultsIn(one, shown), {
          delay: 150,
          needsRefresh: ({ transactions }) =>
            transactions.some(({ effects }) => effects.some((effect) => effect.is(lookAgain))),
        }),
        lintGutter(),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          shown = { ...shown, value: update.state.doc.toString() };
          setup.onChange(shown.value);
        }),
      ],
    }),
  });

  return {
    update(next) {
      const before = shown;
      shown = next;
      if (next.language !== before.language)
        void grammar(next.language).then((chosen) => {
          if (shown.language !== next.language) return;
          view.dispatch({ effects: [language.reconfigure(chosen), lookAgain.of(null)] });
        });
      if (next.isReadonly !== before.isReadonly)
        view.dispatch({ effects: access.reconfigure(EditorState.readOnly.of(next.isReadonly)) });
      if (next.value !== view.state.doc.toString())
        view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next.value } });
      if (next.faults !== before.faults) view.dispatch({ effects: lookAgain.of(null) });
    },
    focus(selection) {
      if (selection) view.dispatch({ selection });
      view.focus();
    },
    offerAgain() {
      if (view.hasFocus && unanswered === view.state.selection.main.head) startCompletion(view);
    },
    insert(text) {
      view.dispatch(view.state.replaceSelection(text), { scrollIntoView: true });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

async function grammar(language: CodeLanguage): Promise<Extension> {
  if (language === 'json') return json();
  // With Markdown come the grammars of what may stand in it; nobody else needs to wait for them.
  if (language === 'markdown') return (await import('@codemirror/lang-markdown')).markdown();
  if (language === 'text') return [];
  return codeLanguage(language);
}

function behaviour(
  { onSubmit, label, placeholder: hint, words }: Setup,
  source: CompletionSource,
): Extension {
  return [
    lineNumbers(),
    foldGutter({ openText: '⌄', closedText: '›' }),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    indentOnInput(),
    indentUnit.of('  '),
    EditorState.tabSize.of(2),
    EditorView.lineWrapping,
    EditorView.domEventHandlers({ beforeinput: typeOver }),
    // Fixed, so that the frame of the editor does not cut off what hangs out of it.
    tooltips({ position: 'fixed' }),
    autocompletion({ icons: false, override: [source] }),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
    hint ? placeholder(hint) : [],
    EditorState.phrases.of({
      'Fold line': words('fold'),
      'Unfold line': words('unfold'),
      'folded code': words('folded'),
      unfold: words('unfold'),
      Completions: words('completions'),
      Diagnostics: words('faults'),
      'No diagnostics': words('noFaults'),
      close: words('close'),
    }),
    keymap.of([
      {
        key: 'Mod-Enter',
        run: () => {
          onSubmit();
          return true;
        },
      },
      // Tab takes a completion where one is offered, and else leaves the editor as it leaves any field.
      { key: 'Tab', run: acceptCompletion },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ]),
  ];
}

/**
 * What is typed over several chosen lines. Left to the browser, it would join what remains by style attributes, which
 * the page's policy refuses, aloud.
 */
function typeOver(event: InputEvent, view: EditorView): boolean {
  const { from, to } = view.state.selection.main;
  const isOverLines = view.state.doc.lineAt(from).number < view.state.doc.lineAt(to).number;
  if (event.inputType !== 'insertText' || !event.data || !isOverLines || view.composing)
    return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), {
    userEvent: 'input.type',
    scrollIntoView: true,
  });
  return true;
}

const parseFault = jsonParseLinter();

function faultsIn(view: EditorView, { faults, language }: Changing): Diagnostic[] {
  const text = view.state.doc.toString();
  if (language === 'json' && text.trim() !== '') {
    const broken = parseFault(view);
    // What was said about the values of a text that no longer parses would stand at the wrong place.
    if (broken.length > 0) return broken;
  }
  return faults.map(({ message, path, from, to, severity = 'error' }) => {
    const place = path === undefined ? undefined : placeOf(view.state, path);
    const start = Math.min(from ?? place?.from ?? 0, text.length);
    const end = Math.min(to ?? place?.to ?? start, text.length);
    return { from: start, to: Math.max(start, end), severity, message };
  });
}

function looks({ minLines, maxLines, fills }: Setup): Extension {
  return [
    EditorView.theme({
      '&': { color: 'var(--ink)', fontSize: '12px', ...(fills && { height: '100%' }) },
      '&.cm-focused': { outline: 'none' },
      '.cm-scroller': {
        fontFamily: 'var(--mono)',
        fontVariantLigatures: 'none',
        lineHeight: `${LINE_PX}px`,
        overflow: 'auto',
        ...(!fills && { maxHeight: `${maxLines * LINE_PX + 12}px` }),
      },
      '.cm-content': {
        padding: '6px 0',
        caretColor: 'var(--ink)',
        ...(!fills && { minHeight: `${minLines * LINE_PX + 12}px` }),
      },
      '.cm-gutters': {
        border: '0',
        backgroundColor: 'transparent',
        color: 'var(--muted)',
        ...(!fills && { minHeight: `${minLines * LINE_PX + 12}px` }),
      },
      '.cm-lineNumbers .cm-gutterElement': { padding: '0 2px 0 10px', minWidth: '24px' },
      '.cm-foldGutter .cm-gutterElement': { width: '14px', cursor: 'pointer' },
      '.cm-gutter-lint': { width: '14px' },
      '.cm-gutter-lint .cm-gutterElement': { padding: '0 1px' },
      '.cm-lint-marker': { width: '10px', height: '10px', margin: '5px 0 0 1px' },
      '.cm-lint-marker-error': {
        content: 'none',
        borderRadius: '50%',
        backgroundColor: 'var(--failed)',
      },
      '.cm-lint-marker-warning': {
        content: 'none',
        borderRadius: '2px',
        backgroundColor: 'var(--waiting-mark)',
      },
      '.cm-lintRange-error': {
        backgroundImage: 'none',
        textDecoration: 'underline wavy var(--failed) 1px',
        textUnderlineOffset: '3px',
      },
      '.cm-lintRange-warning': {
        backgroundImage: 'none',
        textDecoration: 'underline wavy var(--waiting-mark) 1px',
        textUnderlineOffset: '3px',
      },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
      '&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter': {
        backgroundColor: 'var(--hover)',
      },
      '.cm-cursor': { borderLeftColor: 'var(--ink)' },
      '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground':
        { backgroundColor: 'light-dark(#d6daff, #353b78)' },
      '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': {
        backgroundColor: 'var(--chosen)',
        outline: '1px solid var(--line)',
      },
      '.cm-placeholder': { color: 'var(--muted)' },
      '.cm-foldPlaceholder': {
        border: '1px solid var(--line)',
        backgroundColor: 'var(--sunken)',
        color: 'var(--muted)',
        padding: '0 4px',
      },
      '.cm-tooltip': {
        zIndex: '20',
        border: '0',
        borderRadius: '8px',
        backgroundColor: 'var(--raised)',
        color: 'var(--ink)',
        boxShadow: 'var(--float)',
        font: '12px/18px var(--font)',
        overflow: 'hidden',
      },
      '.cm-tooltip.cm-tooltip-autocomplete > ul': {
        fontFamily: 'var(--mono)',
        maxHeight: '220px',
        padding: '4px',
      },
      '.cm-tooltip.cm-tooltip-autocomplete > ul > li': {
        display: 'flex',
        gap: '12px',
        padding: '2px 8px',
        borderRadius: '4px',
        lineHeight: '20px',
      },
      '.cm-tooltip-autocomplete ul li[aria-selected], .cm-tooltip-autocomplete-disabled ul li[aria-selected]':
        { background: 'var(--chosen)', color: 'var(--ink)' },
      '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '650' },
      '.cm-completionDetail': {
        flex: '1',
        minWidth: '0',
        maxWidth: '320px',
        marginLeft: '0',
        overflow: 'hidden',
        textOverflow: 'ellipsis',
        color: 'var(--muted)',
        fontStyle: 'normal',
        fontFamily: 'var(--font)',
        textAlign: 'right',
      },
      '.cm-tooltip.cm-completionInfo': {
        maxWidth: '360px',
        padding: '8px 10px',
        overflow: 'auto',
      },
      '.cm-diagnostic': {
        maxWidth: '420px',
        padding: '6px 10px',
        borderLeft: '3px solid var(--failed)',
        whiteSpace: 'pre-wrap',
        overflowWrap: 'anywhere',
      },
      '.cm-diagnostic-warning': { borderLeftColor: 'var(--waiting-mark)' },
    }),
    syntaxHighlighting(
      HighlightStyle.define([
        { tag: [tags.propertyName, tags.definition(tags.variableName)], color: 'var(--accent)' },
        { tag: [tags.string, tags.special(tags.string)], color: 'var(--done)' },
        { tag: [tags.number, tags.literal], color: 'var(--running)' },
        { tag: [tags.bool, tags.null, tags.keyword, tags.atom], color: 'var(--recovering)' },
        { tag: [tags.comment, tags.meta], color: 'var(--muted)' },
        { tag: [tags.typeName, tags.tagName, tags.attributeName], color: 'var(--waiting)' },
        { tag: tags.heading, fontWeight: '650' },
        { tag: tags.strong, fontWeight: '650' },
        { tag: tags.emphasis, fontStyle: 'italic' },
        { tag: [tags.link, tags.url], color: 'var(--accent)' },
        { tag: tags.inserted, color: 'var(--done)' },
        { tag: tags.deleted, color: 'var(--failed)' },
        { tag: tags.invalid, color: 'var(--failed)' },
      ]),
    ),
  ];
}
