import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { Notices } from '../../shared/state/notices';
import { Preferences, type Theme } from '../../shared/ui/preferences';

/** How this browser shows the console. */
@Component({
  selector: 'aos-preferences-page',
  imports: [TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <div class="section" *transloco="let t">
      <div class="top">
        <h1>{{ t('settings.part.preferences') }}</h1>
      </div>
      <p class="lead">{{ t('settings.preferences.lead') }}</p>
      <section class="card">
        <fieldset>
          <legend>{{ t('theme.title') }}</legend>
          @for (theme of themes; track theme) {
            <label class="choice">
              <input
                type="radio"
                name="theme"
                [checked]="preferences.theme() === theme"
                (change)="preferences.theme.set(theme)"
              />{{ t('theme.' + theme) }}
            </label>
          }
        </fieldset>
        <fieldset>
          <legend>{{ t('language.title') }}</legend>
          <label class="choice" lang="en">
            <input
              type="radio"
              name="language"
              [checked]="preferences.language() === 'en'"
              (change)="preferences.choose('en')"
            />English
          </label>
          <label class="choice" lang="zh-CN">
            <input
              type="radio"
              name="language"
              [checked]="preferences.language() === 'zh'"
              (change)="preferences.choose('zh')"
            />中文
          </label>
        </fieldset>
        <fieldset>
          <legend>{{ t('notices.title') }}</legend>
          @if (!notices.isAvailable) {
            <p class="help">{{ t('settings.preferences.noNotices') }}</p>
          } @else {
            <label class="choice">
              <input
                #wanted
                type="checkbox"
                [checked]="notices.areOn()"
                [disabled]="notices.leave() === 'denied'"
                (change)="turn(wanted)"
              />{{ t('settings.preferences.notices') }}
            </label>
            @if (notices.leave() === 'denied') {
              <p class="help">{{ t('settings.preferences.noticesRefused') }}</p>
            }
          }
        </fieldset>
      </section>
    </div>
  `,
  styleUrl: '../../shared/ui/section.css',
  styles: `
    section {
      max-width: 800px;
    }
    fieldset {
      display: flex;
      flex-wrap: wrap;
      gap: 8px 20px;
      margin: 0;
      padding: 14px 16px;
      border: 0;
      border-bottom: 1px solid var(--line);
    }
    fieldset:last-child {
      border-bottom: 0;
    }
    legend {
      float: left;
      width: 100%;
      padding: 0;
      font-weight: 550;
    }
    .help {
      width: 100%;
      margin: 0;
    }
    .choice {
      display: inline-flex;
      align-items: center;
      gap: 8px;
      cursor: pointer;
    }
  `,
})
export class PreferencesPage {
  protected readonly preferences = inject(Preferences);
  protected readonly notices = inject(Notices);
  protected readonly themes: readonly Theme[] = ['system', 'light', 'dark'];

  /** The browser has the last word; the box shows what it said. */
  protected async turn(box: HTMLInputElement): Promise<void> {
    await this.notices.turn();
    box.checked = this.notices.areOn();
  }
}
