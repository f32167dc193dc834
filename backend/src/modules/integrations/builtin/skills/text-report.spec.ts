import { TestHost } from '../testing.js';
import { fileStem, inline, prose, textReport } from './text-report.js';

describe('text.report', () => {
  it('writes sections of text, lists, tables and pictures', async () => {
    const host = await TestHost.start();
    const answer = await host.call<{ artifactId: string; name: string }>(textReport, {
      title: 'Strikes: 1990 | 2002',
      sections: [
        { heading: 'Summary', text: 'Some **bold** words.', list: ['one', 2, null] },
        { heading: 'By month', table: { columns: ['x', 'y'], rows: [{ x: 'Jan', y: 4, z: 0 }] } },
        { heading: 'Cells', table: { columns: ['a|b'], rows: [['x|y\n<b>'], ['']] } },
        { heading: 'Chart', image: { artifactId: 'abc-1', name: 'Strikes', bytes: 3 } },
        { heading: 'None', table: { rows: [] } },
      ],
    });
    expect(answer.name).toBe('strikes-1990-2002.md');
    expect(host.text(answer.artifactId)).toBe(`# Strikes: 1990 \\| 2002

## Summary

Some **bold** words.

- one
- 2
-${' '}

## By month

| x | y |
| --- | ---: |
| Jan | 4 |

## Cells

| a\\|b |
| --- |
| x\\|y &lt;b&gt; |
|  |

## Chart

![Strikes](artifact:abc-1)

## None

_No rows._
`);
    await host.stop();
  });

  it('lets nothing act that a cell or a text brings along', () => {
    expect(inline('<img src=x onerror=alert(1)>')).toBe('&lt;img src=x onerror=alert(1)&gt;');
    expect(inline('[x](javascript:alert(1))')).toBe('\\[x\\](javascript:alert(1))');
    expect(prose('<script>alert(1)</script>')).toBe('&lt;script>alert(1)&lt;/script>');
    expect(prose('[x](javascript:void) [y](https://a.b)')).toBe('[x](#) [y](https://a.b)');
    expect(prose('![x](https://tracker.example/p.gif)')).toMatch(/^\\!/);
    expect(prose('[x]: data:text/html,1')).toBe('[x]: #');
    expect(prose('# Huge')).toBe('### Huge');
    expect(fileStem('../../etc/passwd')).toBe('etc-passwd');
    expect(fileStem('鸟击 报告')).toBe('鸟击-报告');
    expect(fileStem('///')).toBe('report');
  });
});
