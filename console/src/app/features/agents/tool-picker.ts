import {
  ChangeDetectionStrategy,
  Component,
  computed,
  inject,
  input,
  linkedSignal,
  output,
  signal,
} from '@angular/core';
import type { McpTool } from '@aos/contracts';
import { TranslocoDirective } from '@jsverse/transloco';
import { Sentences } from '../../shared/i18n/sentences';
import { Icon } from '../../shared/ui/icon';

interface Group {
  server: string;
  all: string;
  isWhole: boolean;
  tools: { tool: McpTool; isOn: boolean }[];
  chosen: number;
}

/**
 * Which tools of the gateway an agent may call: whole servers (`skills.*`, tools to come included) or one by one.
 * What is chosen and not there any more is listed too, so that it can be taken out.
 */
@Component({
  selector: 'aos-tool-picker',
  imports: [Icon, TranslocoDirective],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      <div class="find">
        <span class="search">
          <aos-icon name="search" [size]="14" />
          <input
            class="input"
            type="search"
            autocomplete="off"
            spellcheck="false"
            [attr.aria-label]="t('agents.findTool')"
            [placeholder]="t('agents.findTool')"
            [value]="query()"
            (input)="query.set($any($event.target).value)"
          />
        </span>
        <span class="meta num" role="status">{{ t('agents.chosen', { n: chosen().length }) }}</span>
      </div>
      <div class="groups">
        @for (group of groups(); track group.server) {
          <section [attr.aria-label]="group.server">
            <div class="head">
              <button
                type="button"
                class="btn quiet small fold"
                [attr.aria-expanded]="isOpen(group)"
                [attr.aria-label]="t('agents.toolsOf', { name: group.server })"
                (click)="toggleFold(group)"
              >
                <aos-icon [name]="isOpen(group) ? 'down' : 'right'" [size]="14" />
              </button>
              <label>
                <input
                  type="checkbox"
                  [disabled]="disabled()"
                  [checked]="group.isWhole"
                  (change)="pick(group.all, $any($event.target).checked, group)"
                />
                <code>{{ group.all }}</code>
              </label>
              <span class="grow"></span>
              <span class="meta num">{{
                group.isWhole
                  ? t('agents.wholeServer')
                  : t('agents.some', { n: group.chosen, of: group.tools.length })
              }}</span>
            </div>
            @if (isOpen(group)) {
              <ul>
                @for (each of group.tools; track each.tool.tool) {
                  <li>
                    <label>
                      <input
                        type="checkbox"
                        [disabled]="disabled() || group.isWhole"
                        [checked]="group.isWhole || each.isOn"
                        (change)="pick(each.tool.tool, $any($event.target).checked)"
                      />
                      <span class="text">
                        <code>{{ each.tool.name }}</code>
                        <span class="meta cut" [title]="sentences.ofTool(each.tool.description)">{{
                          sentences.ofTool(each.tool.title ?? each.tool.description)
                        }}</span>
                      </span>
                    </label>
                  </li>
                }
              </ul>
            }
          </section>
        } @empty {
          <p class="meta none">{{ t('agents.noToolFound') }}</p>
        }
        @if (gone().length > 0) {
          <section>
            <div class="head">
              <strong>{{ t('agents.gone') }}</strong>
            </div>
            <ul>
              @for (name of gone(); track name) {
                <li>
                  <label>
                    <input
                      type="checkbox"
                      checked
                      [disabled]="disabled()"
                      (change)="pick(name, $any($event.target).checked)"
                    />
                    <code>{{ name }}</code>
                  </label>
                </li>
              }
            </ul>
          </section>
        }
      </div>
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
      min-height: 0;
    }
    .find {
      display: flex;
      align-items: center;
      gap: 12px;
    }
    .find .meta {
      white-space: nowrap;
    }
    .search {
      position: relative;
      flex: 0 1 260px;
    }
    .search aos-icon {
      position: absolute;
      top: 7px;
      left: 9px;
      color: var(--muted);
      pointer-events: none;
    }
    .search .input {
      height: 28px;
      padding: 0 8px 0 29px;
    }
    .groups {
      overflow: auto;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--surface);
    }
    section + section {
      border-top: 1px solid var(--line);
    }
    .head {
      display: flex;
      align-items: center;
      gap: 6px;
      min-height: 36px;
      padding: 0 12px 0 6px;
    }
    .head strong {
      padding-left: 8px;
      color: var(--waiting);
      font-weight: 550;
    }
    .fold {
      width: 24px;
      padding: 0;
    }
    label {
      display: flex;
      align-items: center;
      gap: 8px;
      min-width: 0;
    }
    ul {
      margin: 0;
      padding: 0 12px 8px 38px;
      list-style: none;
    }
    li {
      padding: 3px 0;
    }
    .text {
      display: flex;
      gap: 10px;
      align-items: baseline;
      min-width: 0;
    }
    .none {
      padding: 16px;
    }
  `,
})
export class ToolPicker {
  protected readonly sentences = inject(Sentences);
  readonly tools = input.required<readonly McpTool[]>();
  readonly chosen = input.required<readonly string[]>();
  readonly disabled = input(false);
  readonly changed = output<string[]>();

  protected readonly query = signal('');
  private readonly folds = linkedSignal<string, ReadonlyMap<string, boolean>>({
    source: this.query,
    computation: () => new Map(),
  });

  protected readonly groups = computed((): Group[] => {
    const words = this.query().toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = new Set(this.chosen());
    const byServer = new Map<string, McpTool[]>();
    for (const tool of this.tools()) {
      const says = [tool.title ?? '', tool.description];
      const text = [tool.tool, ...says, ...says.map((each) => this.sentences.ofTool(each))]
        .join(' ')
        .toLowerCase();
      if (!words.every((word) => text.includes(word))) continue;
      byServer.set(tool.server, [...(byServer.get(tool.server) ?? []), tool]);
    }
    return [...byServer].map(([server, tools]) => {
      const marked = tools.map((tool) => ({ tool, isOn: chosen.has(tool.tool) }));
      return {
        server,
        all: `${server}.*`,
        isWhole: chosen.has(`${server}.*`),
        tools: marked,
        chosen: marked.filter(({ isOn }) => isOn).length,
      };
    });
  });
  protected readonly gone = computed(() => {
    const known = new Set(this.tools().flatMap(({ tool, server }) => [tool, `${server}.*`]));
    return this.chosen().filter((name) => !known.has(name));
  });

  /** A server of which some tools are chosen lies open; so does what a search has found. */
  protected isOpen(group: Group): boolean {
    return (
      this.folds().get(group.server) ??
      (this.query() !== '' || (group.chosen > 0 && !group.isWhole))
    );
  }
  protected toggleFold(group: Group): void {
    const isOpen = this.isOpen(group);
    this.folds.update((folds) => new Map(folds).set(group.server, !isOpen));
  }

  protected pick(name: string, isOn: boolean, whole?: Group): void {
    // With the whole server its tools one by one say nothing more.
    const rest = this.chosen().filter(
      (each) => each !== name && !(isOn && whole && each.startsWith(`${whole.server}.`)),
    );
    this.changed.emit(isOn ? [...rest, name].sort() : rest);
  }
}
