import { Component } from '@angular/core';
import { TestBed } from '@angular/core/testing';
import { TranslocoDirective } from '@jsverse/transloco';
import { provideWords } from '../../../testing/transloco';
import { RoleName } from './role-name';
import { words } from './words.zh';

@Component({
  imports: [RoleName, TranslocoDirective],
  template: `
    <ng-container *transloco="let t">
      {{ 'operator' | roleName }}, {{ 'night-shift' | roleName }}
    </ng-container>
  `,
})
class Page {}

it('calls a built-in role by its word, and one of their own by the name that people gave it', async () => {
  TestBed.configureTestingModule({ providers: [provideWords({ settings: words })] });
  const fixture = TestBed.createComponent(Page);
  await fixture.whenStable();
  const host = fixture.nativeElement as HTMLElement;
  expect(host.textContent?.trim()).toBe('操作员, night-shift');
});
