import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import type { Blueprint } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { JsonTree } from '../../../shared/ui/json-tree';

/** A blueprint to be read, for whoever may not change it. */
@Component({
  selector: 'aos-blueprint-text',
  imports: [JsonTree, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (blueprint().description; as description) {
        <p class="description">{{ description }}</p>
      }
      <section>
        <h2>{{ t('projects.blueprint.inputs') }}</h2>
        <ul>
          @for (each of blueprint().inputs; track each.name) {
            <li>
              <code>{{ each.name }}</code>
              @if (each.mediaType) {
                <code class="muted">{{ each.mediaType }}</code>
              }
              @if (!each.required) {
                <span class="meta">{{ t('projects.blueprint.input.optional') }}</span>
              }
              <span>{{ each.description }}</span>
            </li>
          } @empty {
            <li class="muted">{{ t('projects.blueprint.noInputs') }}</li>
          }
        </ul>
      </section>
      <section>
        <h2>{{ t('projects.blueprint.steps') }}</h2>
        <ol>
          @for (step of blueprint().steps; track step.id; let index = $index) {
            <li class="step">
              <p class="line">
                <span class="meta num">{{ index + 1 }}</span>
                <strong>{{ step.id }}</strong>
                <code class="muted">{{ step.tool }}</code>
              </p>
              <p class="line meta">
                @if (step.needs?.length) {
                  <span>{{ t('run.needs', { steps: step.needs!.join(', ') }) }}</span>
                }
                @if (step.approval === 'required') {
                  <span>{{ t('projects.blueprint.step.asksFirst') }}</span>
                }
                @if (step.onError; as onError) {
                  <span>{{ t('projects.blueprint.onError.' + onError) }}</span>
                }
                @if (step.retries) {
                  <span>{{ t('projects.blueprint.step.retries') }}: {{ step.retries }}</span>
                }
              </p>
              <aos-json-tree [value]="step.args" [label]="t('projects.blueprint.step.args')" />
            </li>
          }
        </ol>
      </section>
      @if (blueprint().env.length) {
        <section>
          <h2>{{ t('projects.blueprint.env') }}</h2>
          <p>
            <code>{{ blueprint().env.join(', ') }}</code>
          </p>
        </section>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 20px;
      max-width: 880px;
      overflow-wrap: anywhere;
    }
    section {
      display: flex;
      flex-direction: column;
      gap: 8px;
    }
    .description {
      white-space: pre-wrap;
    }
    ul,
    ol {
      display: flex;
      flex-direction: column;
      gap: 8px;
      margin: 0;
      padding: 0;
      list-style: none;
    }
    ul li,
    .line {
      display: flex;
      flex-wrap: wrap;
      align-items: baseline;
      gap: 4px 10px;
    }
    .step {
      display: flex;
      flex-direction: column;
      gap: 6px;
      padding: 10px 14px;
      border: 1px solid var(--line);
      border-radius: var(--radius-card);
      background: var(--surface);
    }
    strong {
      font-weight: 550;
    }
  `,
})
export class BlueprintText {
  readonly blueprint = input.required<Blueprint>();
}
