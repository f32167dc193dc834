import { Drafts, emptyDraft } from './drafts';

const file = { key: 'k', name: 'a', fileName: 'a.csv', bytes: 1, sent: 1, problem: null };

describe('drafts', () => {
  beforeEach(() => sessionStorage.clear());

  it('are kept by conversation and by person', () => {
    new Drafts(() => 'mara').write('c1', { ...emptyDraft, text: 'hello', files: [] });
    expect(new Drafts(() => 'mara').read('c1').text).toBe('hello');
    expect(new Drafts(() => 'mara').read(null).text).toBe('');
    expect(new Drafts(() => 'joe').read('c1').text).toBe('');
  });

  it('keep files that have arrived, and no others', () => {
    const drafts = new Drafts(() => 'mara');
    const files = [
      { ...file, artifactId: '1' },
      { ...file, artifactId: null },
    ];
    drafts.write(null, { ...emptyDraft, text: 'x', files });
    expect(drafts.read(null).files).toEqual([{ ...file, artifactId: '1' }]);
  });

  it('leave nothing behind when they are empty', () => {
    const drafts = new Drafts(() => 'mara');
    drafts.write(null, { ...emptyDraft, text: 'x', files: [] });
    drafts.write(null, { ...emptyDraft, files: [] });
    expect(sessionStorage).toHaveLength(0);
  });

  it('stand again after what cannot be read', () => {
    sessionStorage.setItem('aos.draft.mara.new', '{broken');
    expect(new Drafts(() => 'mara').read(null)).toEqual({ ...emptyDraft, files: [] });
  });

  it('remember what was said, the newest last and each once', () => {
    const drafts = new Drafts(() => 'mara');
    for (const text of ['a', 'b', 'a']) drafts.say(text);
    expect(drafts.said()).toEqual(['b', 'a']);
  });
});
