import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
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
      </section>
    </div>
  `,
  styleUrl: './section.css',
  styles: `
    section {
      max-width: 560px;
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
    .choice {
      display: inline-flex;
      align-items: center;
      gap: 8px;
      cursor: pointer;
    }
    input {
      margin: 0;
      accent-color: var(--accent);
    }
  `,
})
export class PreferencesPage {
  protected readonly preferences = inject(Preferences);
  protected readonly themes: readonly Theme[] = ['system', 'light', 'dark'];
}
