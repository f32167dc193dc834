import { TestBed } from '@angular/core/testing';
import type { DecideRequest, Problem } from '@aos/contracts';
import { anApproval } from '../../../testing/factories';
import { provideWords } from '../../../testing/transloco';
import type { LiveApproval } from '../state/approvals';
import { EditArgs } from './edit-args';

const asked = anApproval({
  args: { file: 'a.csv', limit: 5 },
  schema: {
    type: 'object',
    required: ['file'],
    properties: { file: { type: 'string' }, limit: { type: 'integer', minimum: 1 } },
  },
});

async function show(approval: LiveApproval = asked) {
  TestBed.configureTestingModule({ providers: [provideWords()] });
  const fixture = TestBed.createComponent(EditArgs);
  const answers: DecideRequest[] = [];
  fixture.componentInstance.decided.subscribe((answer) => answers.push(answer));
  fixture.componentRef.setInput('approval', approval);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  const send = () => host.querySelector<HTMLButtonElement>('.btn.filled')!;
  const type = async (selector: string, value: string) => {
    const field = host.querySelector<HTMLInputElement>(selector)!;
    field.value = value;
    field.dispatchEvent(new Event('input'));
    field.dispatchEvent(new Event('change'));
    await fixture.whenStable();
  };
  return { fixture, host, answers, send, type };
}

describe('editing the arguments of a call', () => {
  it('sends nothing that is as it was, nor what the schema refuses', async () => {
    const { send, type, answers } = await show();
    expect(send().disabled).toBe(true);
    await type('aos-schema-form input[inputmode=numeric], aos-schema-form input[type=number]', '0');
    expect(send().disabled).toBe(true);
    send().click();
    expect(answers).toEqual([]);
  });

  it('shows what changes before it goes on, and sends it with the comment', async () => {
    const { host, send, type, answers } = await show();
    await type('aos-schema-form input[type=text]', 'b.csv');
    const difference = host.querySelector('aos-difference')?.textContent ?? '';
    expect(difference).toContain('a.csv');
    expect(difference).toContain('b.csv');
    await type('textarea', ' mended ');
    send().click();
    expect(answers).toEqual([
      {
        approvalId: 'approval-1',
        decision: 'continue',
        args: { file: 'b.csv', limit: 5 },
        comment: 'mended',
      },
    ]);
  });

  it('keeps what was typed when the approval is read anew meanwhile', async () => {
    const { fixture, host, send, type } = await show();
    await type('aos-schema-form input[type=text]', 'b.csv');
    fixture.componentRef.setInput('approval', { ...asked, args: { ...asked.args } });
    await fixture.whenStable();
    expect(host.querySelector<HTMLInputElement>('aos-schema-form input')!.value).toBe('b.csv');
    expect(send().disabled).toBe(false);
  });

  it('puts what the server refused at its field', async () => {
    const problem: Problem = {
      ...{
        type: 'x',
        code: 'approval_args_invalid',
        status: 422,
        title: 'No',
        detail: '',
        traceId: '',
      },
      errors: [{ path: 'args.file', message: 'is not a file' }],
    };
    const { fixture, host } = await show();
    fixture.componentRef.setInput('approval', { ...asked, problem });
    await fixture.whenStable();
    expect(host.querySelector('aos-schema-form')?.textContent).toContain('is not a file');
  });
});
