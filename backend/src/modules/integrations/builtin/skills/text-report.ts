import { z } from 'zod';
import { tool } from '../tool.js';

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const sectionSchema = z.strictObject({
  heading: z.string().max(300).describe('Heading of the section; may be empty'),
  text: z.string().max(100_000).optional().describe('Prose, Markdown without HTML or pictures'),
  list: z.array(cell).max(1_000).optional(),
  table: z
    .strictObject({
      columns: z.array(z.string()).max(100).optional(),
      labels: z
        .array(z.string().max(200))
        .max(100)
        .optional()
        .describe('Headings shown instead of the keys'),
      rows: z.array(z.union([z.array(cell), z.record(z.string(), z.unknown())])).max(5_000),
    })
    .optional()
    .describe('Rows are lists of cells, or objects of which `columns` names the keys to show'),
  image: z
    .union([
      z.string().max(200),
      z.looseObject({ artifactId: z.string().max(200), name: z.string().max(200).optional() }),
    ])
    .optional()
    .describe('Artifact id of a picture, or an answer that carries one'),
});
type Section = z.infer<typeof sectionSchema>;

export const textReport = tool({
  name: 'text.report',
  title: 'Write a report',
  description:
    'Writes a GitHub-flavoured Markdown report from sections of text, lists, tables and pictures.',
  input: z.strictObject({
    title: z.string().min(1).max(300),
    sections: z.array(sectionSchema).max(200),
  }),
  output: z.object({
    artifactId: z.string(),
    name: z.string(),
    mediaType: z.string(),
    bytes: z.number().int(),
    sections: z.number().int(),
  }),
  idempotent: true,
  readOnly: false,
  async run({ title, sections }, ctx) {
    const blocks = [`# ${inline(title)}`, ...sections.flatMap(sectionBlocks)];
    const saved = await ctx.save({
      name: `${fileStem(title)}.md`,
      mediaType: 'text/markdown',
      data: `${blocks.join('\n\n')}\n`,
    });
    ctx.progress(1, `Wrote ${saved.name}`);
    return {
      artifactId: saved.artifactId,
      name: saved.name,
      mediaType: saved.mediaType,
      bytes: saved.bytes,
      sections: sections.length,
    };
  },
});

function sectionBlocks({ heading, text, list, table, image }: Section): string[] {
  const blocks: string[] = [];
  if (heading.trim() !== '') blocks.push(`## ${inline(heading)}`);
  if (text !== undefined && text.trim() !== '') blocks.push(prose(text));
  if (list && list.length > 0) blocks.push(list.map((item) => `- ${inline(item)}`).join('\n'));
  if (table) blocks.push(tableBlock(table));
  if (image !== undefined) {
    const { artifactId, name } = typeof image === 'string' ? { artifactId: image } : image;
    const target = encodeURIComponent(artifactId.replace(/^artifact:/, ''));
    blocks.push(`![${inline(name ?? heading)}](artifact:${target})`);
  }
  return blocks;
}

function tableBlock({ columns, labels, rows }: NonNullable<Section['table']>): string {
  const first = rows[0];
  const keys = columns ?? (first && !Array.isArray(first) ? Object.keys(first) : undefined);
  const width = keys?.length ?? (Array.isArray(first) ? first.length : 0);
  if (width === 0) return '_No rows._';
  const body = rows.map((row) =>
    Array.isArray(row) ? row.slice(0, width) : keys!.map((key) => row[key]),
  );
  // Numbers stand to the right, where their digits line up.
  const isNumeric = Array.from(
    { length: width },
    (_, i) => body.length > 0 && body.every((row) => typeof (row[i] ?? 0) === 'number'),
  );
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const filled = (row: unknown[]) => Array.from({ length: width }, (_, i) => inline(row[i]));
  return [
    line(filled(labels ?? keys ?? [])),
    line(isNumeric.map((right) => (right ? '---:' : '---'))),
    ...body.map((row) => line(filled(row))),
    ...(body.length === 0 ? ['\n_No rows._'] : []),
  ].join('\n');
}

/** One line of plain text: every character that Markdown or HTML would act on is escaped. */
export function inline(value: unknown): string {
  const text =
    value === null || value === undefined
      ? ''
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value as string | number | boolean);
  return text
    .replace(/[\u0000-\u001f\u007f\u2028\u2029\s]+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]|~#!]/g, '\\$&')
    .replace(/^(\d+)([.)])/, '$1\\$2')
    .replace(/^([-+])(?=\s|$)/, '\\$1')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\b(https?):\/\//g, '$1&#58;//');
}

/**
 * The author's Markdown, without what could act when a colleague opens the report: no HTML, no
 * pictures fetched from elsewhere, no links but web, mail and artifact ones.
 */
export function prose(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
      .replace(/</g, '&lt;')
      .replace(/!(?=\[)/g, '\\!')
      // The text has headings of its own above it.
      .replace(/^ {0,3}#{1,6}(?=\s)/gm, '###')
      .replace(/\]\(\s*([^)\s]*)/g, (link, target: string) => (isHarmless(target) ? link : '](#'))
      .replace(/^( {0,3}\[[^\]\n]*\]:)\s*(\S+)/gm, (link, label: string, target: string) =>
        isHarmless(target) ? link : `${label} #`,
      )
      .trim()
  );
}

function isHarmless(target: string): boolean {
  return /^(https?:\/\/|mailto:|artifact:|#)/i.test(target);
}

/** A plain file name in any script, without what a file system or a header could trip over. */
export function fileStem(title: string): string {
  const stem = title
    .normalize('NFKC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase();
  return [...stem].slice(0, 60).join('') || 'report';
}
