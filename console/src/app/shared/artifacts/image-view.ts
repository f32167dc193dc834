import { ChangeDetectionStrategy, Component, computed, input, linkedSignal } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { PreviewFault } from './preview-fault';

/** A picture, fitted to its place or at a size of one's own; dragged or scrolled where it is larger. */
@Component({
  selector: 'aos-image-view',
  imports: [PreviewFault, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (hasBroken()) {
        <aos-preview-fault word="artifact.broken" />
      } @else {
        <!-- As a picture and never as markup: an SVG in an img element runs nothing and loads nothing. -->
        <div
          class="canvas"
          [class.fit]="zoom() === null"
          tabindex="0"
          role="region"
          [attr.aria-label]="name()"
          [attr.aria-busy]="width() === 0"
          (keydown)="onKey($event)"
        >
          <img
            #image
            [src]="url()"
            [alt]="name()"
            [style.width]="zoom() === null ? null : width() * zoom()! + 'px'"
            (load)="width.set(image.naturalWidth)"
            (error)="hasBroken.set(true)"
          />
        </div>
        <div class="zoom">
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomOut')"
            [title]="t('artifact.zoomOut')"
            (click)="scale(0.8, image)"
          >
            −
          </button>
          <button
            class="btn small num"
            type="button"
            (click)="zoom.set(zoom() === null ? 1 : null)"
          >
            {{ zoom() === null ? t('artifact.fit') : percent() }}
          </button>
          <button
            class="btn small icon"
            type="button"
            [attr.aria-label]="t('artifact.zoomIn')"
            [title]="t('artifact.zoomIn')"
            (click)="scale(1.25, image)"
          >
            +
          </button>
        </div>
      }
    </ng-container>
  `,
  styles: `
    :host {
      position: relative;
      display: flex;
      flex-direction: column;
      height: 100%;
      min-height: 0;
    }
    .canvas {
      flex: 1;
      min-height: 0;
      overflow: auto;
      padding: 16px;
      background: var(--sunken);
    }
    .canvas.fit {
      display: flex;
      align-items: center;
      justify-content: center;
      overflow: hidden;
    }
    img {
      display: block;
      background: #fff;
      border-radius: 4px;
    }
    .fit img {
      max-width: 100%;
      max-height: 100%;
    }
    .zoom {
      position: absolute;
      right: 12px;
      bottom: 12px;
      display: flex;
      gap: 4px;
    }
  `,
})
export class ImageView {
  readonly url = input.required<string>();
  readonly name = input.required<string>();
  /** Null fits it to its place. */
  protected readonly zoom = linkedSignal<string, number | null>({
    source: this.url,
    computation: () => null,
  });
  protected readonly width = linkedSignal<string, number>({
    source: this.url,
    computation: () => 0,
  });
  protected readonly hasBroken = linkedSignal<string, boolean>({
    source: this.url,
    computation: () => false,
  });
  protected readonly percent = computed(() => `${Math.round((this.zoom() ?? 1) * 100)} %`);

  protected scale(by: number, image: HTMLImageElement): void {
    // From the size that is seen now, so that the first step is a step and no jump.
    const now = this.zoom() ?? image.clientWidth / (this.width() || image.clientWidth || 1);
    this.zoom.set(Math.min(8, Math.max(0.05, now * by)));
  }

  protected onKey(event: KeyboardEvent): void {
    const image = (event.currentTarget as HTMLElement).querySelector('img');
    if (!image || event.ctrlKey || event.metaKey) return;
    if (event.key === '+' || event.key === '=') this.scale(1.25, image);
    else if (event.key === '-') this.scale(0.8, image);
    else if (event.key === '0') this.zoom.set(null);
    else return;
    event.preventDefault();
  }
}
