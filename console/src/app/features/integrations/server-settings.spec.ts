import { TestBed } from '@angular/core/testing';
import type { McpServerInfo, PatchServer, Permission } from '@aos/contracts';
import { of } from 'rxjs';
import { pageOf } from '../../../testing/page';
import { provideSession } from '../../../testing/session';
import { provideWords } from '../../../testing/transloco';
import { AosApi } from '../../shared/api/aos-api';
import { failed } from '../../shared/api/problem';
import { ServerSettings } from './server-settings';
import { words } from './words.en';

const at = '2026-11-22T10:00:00.000Z';
const server = (more: Partial<McpServerInfo> = {}): McpServerInfo => ({
  ...{ name: 'shop', url: 'https://shop.example/mcp', transport: 'http', command: null, args: [] },
  ...{ description: 'The shop', authSecret: null, oauth: null, caps: {}, enabled: true },
  health: { state: 'healthy', checkedAt: at, error: null, latencyMs: 4 },
  quota: { perMinute: null, perDay: null, concurrent: { limit: 16, used: 0 } },
  limits: {},
  circuit: { state: 'closed', retryAt: null },
  stats: { windowSeconds: 60, calls: 0, errors: 0, errorRate: 0, p50Ms: null, p95Ms: null },
  ...{ pins: { changed: 0, quarantined: 0 }, leftOut: [] },
  ...{ tools: 2, timeoutMs: 30_000, idempotentTools: ['find'], version: 1 },
  ...{ createdAt: at, updatedAt: at },
  ...more,
});
const refused = {
  ...{ type: 'about:blank', code: 'validation_failed', status: 422, title: 'Refused', traceId: '' },
  ...{ detail: 'Nobody answers there.', errors: [{ path: 'url', message: 'is not reachable' }] },
};

async function show(info = server(), permissions: Permission[] = ['tool.write', 'secret.write']) {
  const saved: PatchServer[] = [];
  TestBed.configureTestingModule({
    imports: [ServerSettings],
    providers: [
      provideWords({ integrations: words }),
      provideSession(...permissions),
      { provide: AosApi, useValue: { secretNames: () => of(['SHOP_TOKEN']) } },
    ],
  });
  const fixture = TestBed.createComponent(ServerSettings);
  const set = async (inputs: Record<string, unknown>) => {
    for (const [key, value] of Object.entries(inputs)) fixture.componentRef.setInput(key, value);
    await fixture.whenStable();
  };
  fixture.componentInstance.saved.subscribe((patch) => saved.push(patch));
  await set({ server: info, tools: [], mayWrite: permissions.includes('tool.write') });
  const page = pageOf(fixture);
  const review = page.button(words.review) as HTMLButtonElement;
  return { ...page, set, saved, review };
}

describe('the settings of a server', () => {
  it('show the difference before they are saved, and send only what is changed', async () => {
    const { write, press, submit, saved, review, find, root } = await show();
    expect(review.disabled).toBe(true);
    await write('#set-description', 'The shop, and its orders');
    expect(review.disabled).toBe(false);
    await submit();
    expect(saved).toEqual([]);
    expect(find('aos-difference').textContent).toContain('The shop, and its orders');
    expect(root.textContent).not.toContain(words.movedHelp);
    await press(words.save);
    expect(saved).toEqual([{ description: 'The shop, and its orders' }]);
  });

  it('say beside the field what cannot be, and are not looked over with it', async () => {
    const { write, submit, faults, review, has } = await show();
    await write('#set-timeout', '0');
    expect(faults()).toEqual([words.timeoutFault]);
    await write('#set-url', 'ftp://shop.example');
    expect(faults()).toEqual([words.urlFault, words.timeoutFault]);
    expect(review.disabled).toBe(true);
    await submit();
    expect(has('aos-dialog')).toBe(false);
  });

  it('say that another place is asked first', async () => {
    const { write, submit, find } = await show();
    await write('#set-url', 'https://other.example/mcp');
    await submit();
    expect(find('aos-dialog').textContent).toContain(words.movedHelp);
  });

  it('keep the draft and say why where the server refuses it, and are closed once it is saved', async () => {
    const { write, submit, press, set, find, has } = await show();
    await write('#set-url', 'https://other.example/mcp');
    await submit();
    await press(words.save);
    await set({ saving: failed(refused) });
    expect(find('aos-dialog aos-problem').textContent).toContain('is not reachable');
    expect(find<HTMLInputElement>('#set-url').value).toBe('https://other.example/mcp');
    await set({
      server: server({ url: 'https://other.example/mcp', version: 2 }),
      saving: { state: 'done' },
    });
    expect(has('aos-dialog')).toBe(false);
  });

  it('do not bring up what came of an earlier try when they are looked over again', async () => {
    const { write, submit, press, set, has } = await show();
    await write('#set-description', 'Another');
    await submit();
    await press(words.save);
    await set({ saving: failed(refused) });
    expect(has('aos-dialog aos-problem')).toBe(true);
    await press('Cancel');
    await submit();
    expect([has('aos-dialog'), has('aos-dialog aos-problem')]).toEqual([true, false]);
  });

  it('put the draft upon what somebody else has saved meanwhile', async () => {
    const { write, submit, set, press, saved, find } = await show();
    await write('#set-description', 'Mine');
    await submit();
    await set({ server: server({ timeoutMs: 5_000, description: 'Theirs', version: 2 }) });
    expect(find<HTMLInputElement>('#set-timeout').value).toBe('5');
    expect(find('aos-difference').textContent).toContain('Theirs');
    await press(words.save);
    expect(saved).toEqual([{ description: 'Mine' }]);
  });

  it('are left as they are by an undo', async () => {
    const { write, press, find, button } = await show();
    await write('#set-description', 'Another');
    await press(words.undo);
    expect(find<HTMLInputElement>('#set-description').value).toBe('The shop');
    expect(button(words.undo)).toBeUndefined();
  });

  it('may be looked at and no more by whoever may not change tools', async () => {
    const { find, button, root } = await show(server(), ['tool.read']);
    expect(find<HTMLInputElement>('#set-description').disabled).toBe(true);
    expect(button(words.review)).toBeUndefined();
    expect(button(words.remove)).toBeUndefined();
    expect(root.textContent).toContain(words.mayNotWrite);
  });

  it('leave the sign-in alone for whoever may not name secrets, and say so', async () => {
    const { root, find } = await show(server(), ['tool.write']);
    expect(root.textContent).toContain(words.authMayNot);
    const kind = find('aos-sign-in-fields').querySelector<HTMLSelectElement>('select');
    expect(kind?.disabled).toBe(true);
    expect(find<HTMLInputElement>('#set-description').disabled).toBe(false);
  });

  it('of a built-in server have no place, no sign-in, and nothing to remove', async () => {
    const { has, button } = await show(server({ transport: 'builtin', url: 'builtin:env' }));
    expect([has('#set-url'), has('aos-sign-in-fields'), has('#set-timeout')]).toEqual([
      ...[false, false, true],
    ]);
    expect(button(words.remove)).toBeUndefined();
  });
});
