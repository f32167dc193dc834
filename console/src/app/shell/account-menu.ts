import { ChangeDetectionStrategy, Component, inject, input, output } from '@angular/core';
import { MatMenu, MatMenuItem, MatMenuTrigger } from '@angular/material/menu';
import type { Me } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Notices } from '../shared/state/notices';
import { Icon } from '../shared/ui/icon';
import { Preferences, type Language, type Theme } from '../shared/ui/preferences';

/** Who is here, and what they chose for themselves. Loaded behind the first paint: no room waits for a menu. */
@Component({
  selector: 'aos-account-menu',
  imports: [Icon, MatMenu, MatMenuItem, MatMenuTrigger, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <button
        class="me"
        type="button"
        [matMenuTriggerFor]="userMenu"
        [attr.aria-label]="t('shell.account', { name: me()?.user?.name ?? '' })"
      >
        {{ initial() }}
      </button>
      <mat-menu #userMenu="matMenu" xPosition="before">
        <div class="identity" mat-menu-item disabled>
          <strong>{{ me()?.user?.name }}</strong>
          <span class="meta">{{ me()?.user?.email }}</span>
        </div>
        <button mat-menu-item type="button" [matMenuTriggerFor]="themeMenu">
          {{ t('theme.title') }}
        </button>
        <button mat-menu-item type="button" [matMenuTriggerFor]="languageMenu">
          {{ t('language.title') }}
        </button>
        @if (notices.isAvailable) {
          <button
            mat-menu-item
            type="button"
            role="menuitemcheckbox"
            [disabled]="notices.leave() === 'denied'"
            [attr.aria-checked]="notices.areOn()"
            (click)="notices.turn()"
          >
            {{ t(notices.leave() === 'denied' ? 'notices.refused' : 'notices.title') }}
            @if (notices.areOn()) {
              <aos-icon class="on" name="check" [size]="14" />
            }
          </button>
        }
        <button mat-menu-item type="button" (click)="shortcutsWanted.emit()">
          {{ t('shortcuts.title') }}
        </button>
        <button mat-menu-item type="button" (click)="signOutPressed.emit()">
          {{ t('session.signOut') }}
        </button>
      </mat-menu>
      <mat-menu #themeMenu="matMenu">
        @for (theme of themes; track theme) {
          <button
            mat-menu-item
            type="button"
            role="menuitemradio"
            [attr.aria-checked]="preferences.theme() === theme"
            (click)="preferences.theme.set(theme)"
          >
            <span class="tick">
              @if (preferences.theme() === theme) {
                <aos-icon name="check" [size]="14" />
              }</span
            >{{ t('theme.' + theme) }}
          </button>
        }
      </mat-menu>
      <mat-menu #languageMenu="matMenu">
        @for (language of languages; track language.code) {
          <button
            mat-menu-item
            type="button"
            role="menuitemradio"
            [attr.lang]="language.lang"
            [attr.aria-checked]="preferences.language() === language.code"
            (click)="preferences.choose(language.code)"
          >
            <span class="tick">
              @if (preferences.language() === language.code) {
                <aos-icon name="check" [size]="14" />
              }</span
            >{{ language.name }}
          </button>
        }
      </mat-menu>
    </ng-container>
  `,
  styles: `
    .identity {
      opacity: 1 !important;
    }
    .identity strong {
      display: block;
      font-weight: 550;
    }
    .on {
      margin-left: 8px;
      vertical-align: -2px;
    }
    .tick {
      display: inline-block;
      width: 22px;
    }
  `,
  styleUrl: './me.css',
})
export class AccountMenu {
  readonly me = input.required<Me | null>();
  readonly initial = input.required<string>();
  readonly shortcutsWanted = output();
  readonly signOutPressed = output();
  protected readonly preferences = inject(Preferences);
  protected readonly notices = inject(Notices);
  protected readonly themes: readonly Theme[] = ['system', 'light', 'dark'];
  protected readonly languages: readonly { code: Language; lang: string; name: string }[] = [
    { code: 'en', lang: 'en', name: 'English' },
    { code: 'zh', lang: 'zh-CN', name: '中文' },
  ];
}
