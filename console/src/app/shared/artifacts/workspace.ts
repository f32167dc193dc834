import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
} from '@angular/core';
import type { ArtifactRef } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { AosApi } from '../api/aos-api';
import { Icon } from '../ui/icon';
import { TabRow } from '../ui/tab-row';
import { kindIcons, kindOf } from './artifact-kind';
import { ArtifactView } from './artifact-view';

/** The results of a task, side by side as tabs, one of them open. */
@Component({
  selector: 'aos-workspace',
  imports: [ArtifactView, Icon, TabRow, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <header>
        <div
          class="tabs"
          role="tablist"
          [attr.aria-label]="t('artifact.title')"
          [aosTabRow]="open()?.artifactId"
        >
          @for (artifact of artifacts(); track artifact.artifactId; let index = $index) {
            <button
              class="tab"
              type="button"
              role="tab"
              [attr.aria-label]="artifact.name"
              [id]="'tab-' + artifact.artifactId"
              [attr.aria-selected]="artifact.artifactId === open()?.artifactId"
              [tabindex]="artifact.artifactId === open()?.artifactId ? 0 : -1"
              [title]="artifact.name"
              (click)="chosen.emit(artifact.artifactId)"
              (keydown.arrowRight)="step(index + 1, $event)"
              (keydown.arrowLeft)="step(index - 1, $event)"
            >
              <aos-icon [name]="icon(artifact)" [size]="14" />
              <span class="cut">{{ stem(artifact.name) }}</span><span>{{
                artifact.name.slice(stem(artifact.name).length)
              }}</span>
            </button>
          }
        </div>
        @if (open(); as artifact) {
          <a
            class="btn quiet icon"
            [href]="api.contentUrl(artifact.artifactId)"
            [download]="artifact.name"
            [attr.aria-label]="t('artifact.download', { name: artifact.name })"
            [title]="t('artifact.download', { name: artifact.name })"
            ><aos-icon name="download"
          /></a>
        }
        @if (canClose()) {
          <button
            class="btn quiet icon"
            type="button"
            [attr.aria-label]="t('artifact.close')"
            [title]="t('artifact.close')"
            (click)="closed.emit()"
          >
            <aos-icon name="close" />
          </button>
        }
      </header>
      @if (open(); as artifact) {
        @for (one of [artifact]; track one.artifactId) {
          <aos-artifact-view
            class="view"
            role="tabpanel"
            [attr.aria-labelledby]="'tab-' + one.artifactId"
            [artifact]="one"
          />
        }
      } @else {
        <p class="none">{{ t('artifact.none') }}</p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      height: 100%;
      min-width: 0;
      min-height: 0;
      background: var(--surface);
    }
    header {
      display: flex;
      align-items: center;
      gap: 2px;
      height: 44px;
      flex: none;
      padding: 0 8px;
      border-bottom: 1px solid var(--line);
    }
    .tabs {
      display: flex;
      flex: 1;
      min-width: 0;
      gap: 2px;
      overflow-x: auto;
      scrollbar-width: none;
    }
    .tab {
      display: inline-flex;
      align-items: center;
      gap: 6px;
      flex: none;
      max-width: 240px;
      height: 30px;
      padding: 0 10px;
      border: 0;
      border-radius: var(--radius);
      background: none;
      color: var(--muted);
      cursor: pointer;
    }
    /* Where the name is cut, its end still tells the picture from the drawing. */
    .tab > span + span {
      margin-left: -6px;
    }
    .tab:hover {
      background: var(--hover);
    }
    .tab[aria-selected='true'] {
      background: var(--chosen);
      color: var(--ink);
      font-weight: 550;
    }
    .view {
      flex: 1;
      min-height: 0;
    }
    .none {
      margin: auto;
      padding: 32px;
      color: var(--muted);
    }
  `,
})
export class Workspace {
  readonly artifacts = input.required<readonly ArtifactRef[]>();
  readonly openId = input<string | null>(null);
  readonly canClose = input(true);
  readonly chosen = output<string>();
  readonly closed = output();
  protected readonly api = inject(AosApi);

  /** Until somebody chooses: a picture where there is one already, and then the same, whatever else arrives. */
  private readonly first = linkedSignal<readonly ArtifactRef[], ArtifactRef | undefined>({
    source: this.artifacts,
    computation: (artifacts, before) =>
      artifacts.find(({ artifactId }) => artifactId === before?.value?.artifactId) ??
      artifacts.find((artifact) => kindOf(artifact) === 'image') ??
      artifacts[0],
  });
  protected readonly open = computed(
    () => this.artifacts().find(({ artifactId }) => artifactId === this.openId()) ?? this.first(),
  );
  /** The name without what it ends on: `report` of `report.md`. */
  protected stem(name: string): string {
    return name.replace(/\.[^.]+$/, '');
  }
  protected icon(artifact: ArtifactRef) {
    return kindIcons[kindOf(artifact)];
  }
  protected step(to: number, event: Event): void {
    const next = this.artifacts()[to];
    if (!next) return;
    event.preventDefault();
    this.chosen.emit(next.artifactId);
    document.getElementById(`tab-${next.artifactId}`)?.focus();
  }
}
