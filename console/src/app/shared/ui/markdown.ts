import {
  ChangeDetectionStrategy,
  Component,
  SecurityContext,
  computed,
  inject,
  input,
} from '@angular/core';
import { DomSanitizer } from '@angular/platform-browser';
import { Marked } from 'marked';
import { AosApi } from '../api/aos-api';

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const isWeb = (href: string) => /^https?:\/\//i.test(href);

/**
 * Markdown to HTML that may be shown. Markdown here comes from models, tools and files: HTML in it is shown as the
 * text that it is, pictures are only those of our own artifacts (`artifact:<id>`; anything else would tell a
 * stranger's server who is reading), links go out without saying where from. Angular's sanitizer has the last word.
 */
export function renderMarkdown(text: string, contentUrl: (artifactId: string) => string): string {
  const marked = new Marked({
    gfm: true,
    renderer: {
      html: ({ text: source }) => escape(source),
      image: ({ href, text: alt }) => {
        const id = /^artifact:([\w-]{1,64})$/.exec(href)?.[1];
        return id
          ? `<img src="${escape(contentUrl(id))}" alt="${escape(alt)}">`
          : `<span>${escape(alt || href)}</span>`;
      },
      link({ href, tokens }) {
        const inner = this.parser.parseInline(tokens);
        const id = /^artifact:([\w-]{1,64})$/.exec(href)?.[1];
        if (id) return `<a href="${escape(contentUrl(id))}" download>${inner}</a>`;
        return isWeb(href)
          ? `<a href="${escape(href)}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`
          : `<span>${inner}</span>`;
      },
    },
  });
  return marked.parse(text, { async: false });
}

@Component({
  selector: 'aos-markdown',
  changeDetection: ChangeDetectionStrategy.OnPush,
  template: `<div class="prose" [innerHTML]="html()"></div>`,
  // The HTML is not of this template, so the styles reach it by ::ng-deep, and stay under this host.
  styles: `
    :host {
      display: block;
      overflow-wrap: anywhere;
    }
    :host ::ng-deep .prose {
      max-width: 68ch;
    }
    :host ::ng-deep .prose > :first-child {
      margin-top: 0;
    }
    :host ::ng-deep .prose > :last-child {
      margin-bottom: 0;
    }
    :host ::ng-deep :is(p, ul, ol, pre, table, blockquote) {
      margin: 0 0 12px;
    }
    :host ::ng-deep :is(ul, ol) {
      padding-left: 22px;
    }
    :host ::ng-deep li {
      margin: 2px 0;
    }
    :host ::ng-deep h1 {
      margin: 20px 0 8px;
    }
    :host ::ng-deep :is(h2, h3, h4) {
      margin: 18px 0 6px;
      font-weight: 550;
    }
    :host ::ng-deep h2 {
      font-size: 16px;
      line-height: 24px;
    }
    :host ::ng-deep code {
      padding: 1px 4px;
      border-radius: 4px;
      background: var(--sunken);
    }
    :host ::ng-deep pre {
      padding: 10px 12px;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: var(--sunken);
      overflow: auto;
    }
    :host ::ng-deep pre code {
      padding: 0;
      background: none;
    }
    :host ::ng-deep img {
      display: block;
      max-width: 100%;
      height: auto;
      border: 1px solid var(--line);
      border-radius: var(--radius);
      background: #fff;
    }
    :host ::ng-deep table {
      display: block;
      width: fit-content;
      max-width: 100%;
      overflow: auto;
      border-collapse: collapse;
      font-size: 13px;
      font-variant-numeric: tabular-nums;
    }
    :host ::ng-deep :is(th, td) {
      padding: 5px 12px 5px 0;
      border-bottom: 1px solid var(--line);
      text-align: left;
      vertical-align: top;
    }
    :host ::ng-deep th {
      color: var(--muted);
      font-weight: 550;
    }
    :host ::ng-deep blockquote {
      padding-left: 12px;
      border-left: 2px solid var(--line);
      color: var(--muted);
    }
    :host ::ng-deep hr {
      border: 0;
      border-top: 1px solid var(--line);
    }
  `,
})
export class Markdown {
  readonly text = input.required<string>();
  private readonly api = inject(AosApi);
  private readonly sanitizer = inject(DomSanitizer);
  protected readonly html = computed(() =>
    this.sanitizer.sanitize(
      SecurityContext.HTML,
      renderMarkdown(this.text(), (id) => this.api.contentUrl(id)),
    ),
  );
}
