import { Location } from '@angular/common';
import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { NavigationEnd, Router, provideRouter } from '@angular/router';
import { RouterTestingHarness } from '@angular/router/testing';
import { filter, firstValueFrom } from 'rxjs';
import { Beside } from './beside';

@Component({ template: '' })
class Page {}

async function at(address: string) {
  TestBed.configureTestingModule({ providers: [provideRouter([{ path: '**', component: Page }])] });
  await RouterTestingHarness.create(address);
  const router = TestBed.inject(Router);
  const [location, beside] = [TestBed.inject(Location), TestBed.inject(Beside)];
  router.setUpLocationChangeListener();
  const after = async (deed: () => void) => {
    const ended = firstValueFrom(
      router.events.pipe(filter((event) => event instanceof NavigationEnd)),
    );
    deed();
    await ended;
    return router.url;
  };
  const show = (value: string | null) => after(() => beside.show('row', value));
  const back = () => after(() => location.back());
  return { show, back };
}

describe('what is open beside a list', () => {
  it('is closed by Back, however many rows were looked at', async () => {
    const { show, back } = await at('/list?status=failed');
    expect(await show('1')).toBe('/list?status=failed&row=1');
    expect(await show('2')).toBe('/list?status=failed&row=2');
    expect(await back()).toBe('/list?status=failed');
  });

  it('leaves no step behind when it is closed by hand', async () => {
    const { show, back } = await at('/before');
    await TestBed.inject(Router).navigateByUrl('/list');
    await show('1');
    await show('2');
    expect(await show(null)).toBe('/list');
    expect(await back()).toBe('/before');
  });

  it('stays on the page when it was entered with a row open', async () => {
    const { show } = await at('/list?row=7');
    expect(await show('8')).toBe('/list?row=8');
    expect(await show(null)).toBe('/list');
  });
});
