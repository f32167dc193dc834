import { ChangeDetectionStrategy, Component, computed, input } from '@angular/core';
import { TranslocoDirective } from '@jsverse/transloco';
import { JsonTree } from '../../shared/ui/json-tree';
import { Verbatim } from '../../shared/ui/verbatim';

export interface ToolResult {
  isError: boolean;
  content: readonly Record<string, unknown>[];
  structuredContent: Record<string, unknown> | null;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the ledger kept, where it is a result of MCP. */
export function toResult(value: unknown): ToolResult | null {
  if (!isObject(value)) return null;
  const { content, structuredContent, isError } = value;
  return {
    isError: isError === true,
    content: Array.isArray(content) ? content.filter(isObject) : [],
    structuredContent: isObject(structuredContent) ? structuredContent : null,
  };
}

/** Kinds of pictures that are nothing but a picture: SVG could hold more. */
const pictures = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

type Part =
  | { kind: 'text'; text: string }
  | { kind: 'json'; value: unknown }
  | { kind: 'picture'; type: string; data: string }
  | { kind: 'binary'; type: string; bytes: number }
  | { kind: 'other'; value: unknown };

function toPart(part: Record<string, unknown>): Part {
  const [type, data, media] = [part['type'], part['data'], part['mimeType']];
  if (type === 'text' && typeof part['text'] === 'string') return textPart(part['text']);
  if (typeof data === 'string' && typeof media === 'string')
    return type === 'image' && pictures.has(media) && /^[A-Za-z0-9+/=\s]*$/.test(data)
      ? { kind: 'picture', type: media, data }
      : { kind: 'binary', type: media, bytes: Math.floor((data.length * 3) / 4) };
  return { kind: 'other', value: part };
}

function textPart(text: string): Part {
  if (!/^\s*[[{]/.test(text)) return { kind: 'text', text };
  try {
    return { kind: 'json', value: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'text', text }; // it only began like JSON
  }
}

/** The answer of a tool, as what it is: a tree, text, pictures. It is a stranger's, and shown as such. */
@Component({
  selector: 'aos-call-result',
  imports: [JsonTree, TranslocoDirective, Verbatim],
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `
    <ng-container *transloco="let t">
      @if (structured(); as value) {
        <aos-json-tree [value]="value" [label]="t('integrations.structured')" />
      }
      @for (part of parts(); track $index) {
        @switch (part.kind) {
          @case ('text') {
            <aos-verbatim [value]="part.text" [label]="t('integrations.text')" />
          }
          @case ('json') {
            <aos-json-tree [value]="part.value" [label]="t('integrations.text')" />
          }
          @case ('picture') {
            <img
              [src]="'data:' + part.type + ';base64,' + part.data"
              [alt]="t('integrations.picture')"
            />
          }
          @case ('binary') {
            <p class="meta">
              {{ t('integrations.binary', { type: part.type, bytes: part.bytes }) }}
            </p>
          }
          @case ('other') {
            <aos-json-tree [value]="part.value" [label]="t('integrations.part')" />
          }
        }
      }
      @if (parts().length === 0 && !result().structuredContent) {
        <p class="meta">{{ t('integrations.emptyResult') }}</p>
      }
    </ng-container>
  `,
  styles: `
    :host {
      display: flex;
      flex-direction: column;
      gap: 8px;
      min-width: 0;
    }
    img {
      max-width: 100%;
      height: auto;
      align-self: flex-start;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: #fff;
    }
  `,
})
export class CallResult {
  readonly result = input.required<ToolResult>();
  /** Many servers wrap their one text in an object for the schema's sake: then the text reads better. */
  protected readonly structured = computed(() => {
    const { content, structuredContent } = this.result();
    const values = Object.values(structuredContent ?? {});
    const isText = values.length === 1 && content.some((part) => part['text'] === values[0]);
    return isText ? null : structuredContent;
  });
  /** Text that says the same as the structured answer is not shown twice. */
  protected readonly parts = computed(() => {
    const { content, structuredContent } = this.result();
    const said = structuredContent && JSON.stringify(structuredContent);
    return content
      .map(toPart)
      .filter((part) => !(part.kind === 'json' && said === JSON.stringify(part.value)));
  });
}
