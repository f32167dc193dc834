import { jest } from '@jest/globals';
import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import type { AllowedAddress, OwnAccess, SystemConfig } from '@aos/contracts';
import { provideWords } from '../../../testing/transloco';
import { AddressList } from './address-list';
import { words } from './words.en';

const office: AllowedAddress = { address: '203.0.113.0/24', note: 'Office' };
const own: OwnAccess = {
  address: '203.0.113.7',
  isAllowed: true,
  isListed: true,
  ignoresProxy: false,
};

async function open(value: AllowedAddress[]) {
  jest.useFakeTimers();
  TestBed.configureTestingModule({
    imports: [AddressList],
    providers: [provideWords({ settings: words }), provideHttpClient(), provideHttpClientTesting()],
  });
  const fixture = TestBed.createComponent(AddressList);
  fixture.componentRef.setInput('value', value);
  fixture.componentRef.setInput('config', {
    security: { redaction: [] },
  } as unknown as SystemConfig);
  const said: AllowedAddress[][] = [];
  fixture.componentInstance.changed.subscribe((each) => {
    said.push(each);
    fixture.componentRef.setInput('value', each);
  });
  fixture.detectChanges();
  const root = fixture.nativeElement as HTMLElement;
  const http = TestBed.inject(HttpTestingController);
  const asked = () => {
    fixture.detectChanges();
    jest.advanceTimersByTime(300);
    return http.expectOne('/config/system/preview');
  };
  const type = (label: string, text: string) => {
    const field = root.querySelector<HTMLInputElement>(`[aria-label="${label}"]`)!;
    field.value = text;
    field.dispatchEvent(new Event('input'));
    fixture.detectChanges();
  };
  const press = (text: string) => {
    [...root.querySelectorAll('button')].find((each) => each.textContent.includes(text))!.click();
    fixture.detectChanges();
  };
  return { fixture, root, said, asked, type, press };
}
afterEach(() => jest.useRealTimers());

const answer = (access: Partial<OwnAccess>) => ({
  ...{ baseVersion: 1, changes: [] },
  access: { ...own, ...access },
});

it.each([
  [[office], {}, 'is in this list'],
  [[office], { isListed: false, isAllowed: false }, 'is not in this list. A list that leaves'],
  [[office], { isListed: false }, 'AOS_ALLOW_ADDRESSES'],
  [[], { isListed: false }, 'every address may come in. Yours is 203.0.113.7'],
  [[office], { address: null, isListed: false, isAllowed: false }, 'cannot be told'],
  [[office], { ignoresProxy: true }, 'AOS_TRUSTED_PROXIES'],
])('of %j, for %j, it says: %s', async (value, access, words) => {
  const { fixture, root, asked } = await open(value);
  const request = asked();
  expect(request.request.body).toEqual({
    security: { redaction: [], allowedAddresses: value },
  });
  request.flush(answer(access));
  fixture.detectChanges();
  expect(root.textContent).toContain(words);
});

it('sends no row that is blank, and tells each fault at the row it is of', async () => {
  const { fixture, root, said, asked, type, press } = await open([]);
  asked().flush(answer({}));
  press('Add an address');
  press('Add an address');
  expect(said.at(-1)).toEqual([]);
  type('Address or range 2', 'office.example');
  expect(said.at(-1)).toEqual([{ address: 'office.example', note: '' }]);
  asked().flush(
    {
      ...{ code: 'validation_failed', title: 'x', status: 400 },
      errors: [{ path: 'security.allowedAddresses.0.address', message: 'is no address' }],
    },
    { status: 400, statusText: 'Bad Request' },
  );
  fixture.detectChanges();
  // Of a list with faults nothing is said but those.
  expect(root.querySelector('.own')).toBeNull();
  const rows = [...root.querySelectorAll('li')];
  expect(rows.map((row) => row.textContent.includes('is no address'))).toEqual([false, true]);
  expect(rows.map((row) => row.querySelector('input')!.getAttribute('aria-invalid'))).toEqual([
    'false',
    'true',
  ]);
});

it('adds the address of whoever edits, and takes a pasted list apart', async () => {
  const { fixture, root, said, asked, press } = await open([office]);
  asked().flush(answer({ isListed: false, isAllowed: false }));
  fixture.detectChanges();
  press('Add yours');
  expect(said.at(-1)).toEqual([office, { address: '203.0.113.7', note: '' }]);
  const paste = new Event('paste', { cancelable: true });
  Object.assign(paste, { clipboardData: { getData: () => '10.0.0.0/8, 10.0.0.1\n2001:db8::/32' } });
  root.querySelector('[aria-label="Address or range 2"]')!.dispatchEvent(paste);
  expect(paste.defaultPrevented).toBe(true);
  expect(said.at(-1)!.map(({ address }) => address)).toEqual([
    ...['203.0.113.0/24', '10.0.0.0/8', '10.0.0.1', '2001:db8::/32'],
  ]);
});
