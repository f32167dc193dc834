import { ChangeDetectionStrategy, Component, input } from '@angular/core';
import { TranslocoPipe } from '@jsverse/transloco';
import { BlueprintList } from './blueprint-list';
import { BlueprintView } from './blueprint-view';

/**
 * The addresses of blueprints: the list, and one of them. What stands there is fetched when it is gone to: an editor with
 * forms of any schema is more than the other pages of this room take together.
 */
@Component({
  selector: 'aos-blueprints-page',
  imports: [BlueprintList, BlueprintView, TranslocoPipe],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    @if (id(); as id) {
      @defer (on immediate) {
        <aos-blueprint-view [project]="project() ?? ''" [id]="id" [tab]="tab()" [open]="open()" />
      } @error {
        <p role="alert">{{ 'shell.roomFailed' | transloco }}</p>
      }
    } @else {
      @defer (on immediate) {
        <aos-blueprint-list [project]="project()" />
      } @error {
        <p role="alert">{{ 'shell.roomFailed' | transloco }}</p>
      }
    }
  `,
  styles: `
    :host {
      display: block;
      height: 100%;
    }
    p {
      padding: 16px 24px;
    }
  `,
})
export class BlueprintsPage {
  readonly project = input<string>();
  readonly id = input<string>();
  readonly tab = input<string>();
  readonly open = input<string>();
}
