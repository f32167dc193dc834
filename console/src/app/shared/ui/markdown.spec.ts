import { TestBed } from '@angular/core/testing';
import { provideHttpClient } from '@angular/common/http';
import { Markdown } from './markdown';

async function render(text: string): Promise<HTMLElement> {
  TestBed.configureTestingModule({ providers: [provideHttpClient()] });
  const fixture = TestBed.createComponent(Markdown);
  fixture.componentRef.setInput('text', text);
  await fixture.whenStable();
  return fixture.nativeElement as HTMLElement;
}

describe('Markdown', () => {
  it('is set as prose', async () => {
    const host = await render('# Title\n\n- one\n- **two**\n\n| a | b |\n|---|---|\n| 1 | 2 |');
    expect(host.querySelector('h1')?.textContent).toBe('Title');
    expect(host.querySelectorAll('li')).toHaveLength(2);
    expect(host.querySelectorAll('td')).toHaveLength(2);
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<svg onload=alert(1)></svg>',
    '<a href="javascript:alert(1)">x</a>',
    '<iframe src="https://example.com"></iframe>',
    '<style>*{display:none}</style>',
  ])('shows HTML as the text that it is: %s', async (html) => {
    const host = await render(html);
    expect(
      host.querySelector('script, img, svg, iframe, style, [onerror], [onload], a'),
    ).toBeNull();
    expect(host.textContent).toContain(html);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    '//evil.example',
  ])('makes no link of %s', async (href) => {
    const host = await render(`[click](${href})`);
    expect(host.querySelector('a')).toBeNull();
    expect(host.textContent).toContain('click');
  });

  it('sends links out without saying where from', async () => {
    const link = (await render('[docs](https://example.com/a?b=1&c=2)')).querySelector('a');
    expect(link?.getAttribute('href')).toBe('https://example.com/a?b=1&c=2');
    expect(link?.rel).toContain('noreferrer');
    expect(link?.rel).toContain('noopener');
  });

  it('shows pictures of our own artifacts, and asks no stranger for one', async () => {
    const host = await render(
      '![chart](artifact:0b5f-1) ![spy](https://evil.example/p.gif) ![x](artifact:../../auth/me)',
    );
    const sources = [...host.querySelectorAll('img')].map((img) => img.getAttribute('src'));
    expect(sources).toEqual(['/api/artifacts/0b5f-1/content']);
  });

  it('does not let a title or an alternative text break out of its attribute', async () => {
    const host = await render(
      '![" onerror="alert(1)](artifact:a)\n\n[x](https://e.com/"onclick="alert(1))',
    );
    expect(host.querySelector('[onerror], [onclick]')).toBeNull();
  });
});
