import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { type AuditFault, type AuditVerification, inEnglish, say } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { AuditCheck } from './audit-check';
import { words } from './words.en';

const found = (more: Partial<AuditVerification>): AuditVerification => ({
  ok: true,
  entries: 1000,
  last: { seq: 1000, hash: 'a'.repeat(64) },
  next: null,
  faults: [],
  faultCount: 0,
  checkpoints: {
    checked: 1,
    latest: { seq: 1000, hash: 'a'.repeat(64), at: '2026-11-27T10:00:00.000Z', jws: 'a.b.c' },
    key: {},
  },
  durationMs: 10,
  ...more,
});
const changed = (seq: number): AuditFault => {
  const said = say('audit-changed', { seq });
  return { kind: 'changed', seq, id: `${seq}`, says: inEnglish(said), said };
};

describe('the check of the record', () => {
  const open = async () => {
    TestBed.configureTestingModule({
      imports: [AuditCheck],
      providers: [
        provideWords({ settings: words }),
        provideHttpClient(),
        provideHttpClientTesting(),
      ],
    });
    const fixture = TestBed.createComponent(AuditCheck);
    await fixture.whenStable();
    const http = TestBed.inject(HttpTestingController);
    const root = fixture.nativeElement as HTMLElement;
    const settle = async () => {
      await new Promise((resolve) => setTimeout(resolve));
      await fixture.whenStable();
    };
    const asked = (from: number) => http.expectOne(`/audit/verify?from=${from}`);
    return { fixture, root, asked, settle };
  };

  it('goes on where a long record was left off, says how far it is, and adds up what it found', async () => {
    const { fixture, root, asked, settle } = await open();
    expect(root.textContent?.trim()).toBe('');
    void fixture.componentInstance.check();
    await settle();
    asked(1).flush(found({ ok: false, next: 1001, faults: [changed(7)], faultCount: 1 }));
    await settle();
    expect(root.textContent).toContain('1000 entries so far');
    asked(1001).flush(found({ entries: 5, ok: false, faults: [changed(1003)], faultCount: 30 }));
    await settle();
    expect(root.textContent).toContain('It does not hold');
    expect(root.textContent).toContain('1005 entries were held');
    expect([...root.querySelectorAll('li')].map((each) => each.textContent)).toEqual([
      'Entry 7 is not what was sealed: it was changed afterwards.',
      'Entry 1,003 is not what was sealed: it was changed afterwards.',
    ]);
    expect(root.textContent).toContain('29 more');
  });

  it('says of a record that holds up to where it was signed', async () => {
    const { fixture, root, asked, settle } = await open();
    void fixture.componentInstance.check();
    void fixture.componentInstance.check(); // asks once
    await settle();
    asked(1).flush(found({}));
    await settle();
    expect(root.textContent).toContain('Nobody touched it');
    expect(root.textContent).toContain('up to entry 1000');
  });

  it('tells what kept it from an answer, and tries again', async () => {
    const { fixture, root, asked, settle } = await open();
    void fixture.componentInstance.check();
    await settle();
    asked(1).flush(
      { title: 'Away', code: 'unavailable', status: 503 },
      { status: 503, statusText: 'x' },
    );
    await settle();
    root.querySelector<HTMLButtonElement>('aos-problem button')!.click();
    await settle();
    asked(1).flush(found({}));
    await settle();
    expect(root.textContent).toContain('Nobody touched it');
  });
});
