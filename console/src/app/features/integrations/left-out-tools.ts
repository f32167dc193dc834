import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import type { McpServerInfo } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Revealed } from '../../shared/ui/revealed';

/** Tools that a server tells of and nobody is offered, each with the reason. */
@Component({
  selector: 'aos-left-out-tools',
  imports: [Revealed, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (tools().length > 0) {
        <section [attr.aria-label]="t('integrations.notOffered')">
          <p>{{ t('integrations.notOffered') }}</p>
          <ul>
            @for (each of tools(); track $index) {
              <li>
                <code>{{ each.tool || t('integrations.nameless') }}</code>
                <span class="meta"
                  ><aos-revealed [text]="sentences.of(each.said, each.why)"
                /></span>
              </li>
            }
          </ul>
        </section>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: contents;
    }
    section {
      padding: 8px 12px;
      border: 1px solid var(--line);
      border-left: 3px solid var(--waiting-mark);
      border-radius: var(--radius-card);
      background: var(--waiting-tint);
      overflow-wrap: anywhere;
    }
    ul {
      max-height: 160px;
      margin: 4px 0 0;
      padding: 0;
      overflow: auto;
      list-style: none;
    }
    code {
      margin-right: 8px;
    }
  `,
})
export class LeftOutTools {
  protected readonly sentences = inject(Sentences);
  readonly tools = input.required<McpServerInfo['leftOut']>();
}
