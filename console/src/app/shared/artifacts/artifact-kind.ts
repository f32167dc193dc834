import type { ArtifactRef } from '@aos/contracts';
import type { CodeLanguage } from '../ui/code-editor';
import type { IconName } from '../ui/icon';

export type ArtifactKind =
  'image' | 'table' | 'markdown' | 'json' | 'diff' | 'code' | 'pdf' | 'text' | 'other';

const endings: Record<string, CodeLanguage> = {
  ...each(
    'c-like',
    'js mjs cjs jsx ts mts cts tsx java kt c h cc cpp hpp cs go rs swift php dart scala',
  ),
  ...each('python', 'py pyi rb jl r'),
  ...each('sql', 'sql'),
  ...each('shell', 'sh bash zsh ps1 dockerfile makefile'),
  ...each('yaml', 'yaml yml toml ini env properties conf'),
  ...each('markup', 'html htm xml xhtml vue svelte'),
  ...each('css', 'css scss less'),
};
const types: Record<string, CodeLanguage> = {
  'text/html': 'markup',
  'text/xml': 'markup',
  'application/xml': 'markup',
  'text/css': 'css',
  'text/javascript': 'c-like',
  'application/javascript': 'c-like',
  'application/sql': 'sql',
  'application/yaml': 'yaml',
  'text/yaml': 'yaml',
  'application/x-sh': 'shell',
};

function each(language: CodeLanguage, names: string): Record<string, CodeLanguage> {
  return Object.fromEntries(names.split(' ').map((name) => [name, language]));
}

const typeOf = (mediaType: string) => mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
const endingOf = (name: string) =>
  /(?:^|\.)([a-z0-9]+)$/i.exec(name.split('/').at(-1) ?? '')?.[1]?.toLowerCase() ?? '';

export const languageOf = ({ mediaType, name }: ArtifactRef): CodeLanguage =>
  endings[endingOf(name)] ?? types[typeOf(mediaType)] ?? 'text';

/** How an artifact is best looked at. The media type decides; the name helps where it says too little. */
export function kindOf(artifact: ArtifactRef): ArtifactKind {
  const type = typeOf(artifact.mediaType);
  const ending = endingOf(artifact.name);
  if (/^image\/(png|svg\+xml|jpeg|gif|webp|avif)$/.test(type)) return 'image';
  if (type === 'application/pdf' || (ending === 'pdf' && !type.startsWith('text/'))) return 'pdf';
  if (/^text\/(csv|tab-separated-values)$/.test(type) || /^(csv|tsv)$/.test(ending)) return 'table';
  if (/^text\/x-(diff|patch)$/.test(type) || /^(diff|patch)$/.test(ending)) return 'diff';
  if (type === 'text/markdown' || ending === 'md') return 'markdown';
  if (type === 'application/json' || type.endsWith('+json') || ending === 'json') return 'json';
  if (languageOf(artifact) !== 'text') return 'code';
  if (type.startsWith('text/') || type === 'application/x-ndjson') return 'text';
  return 'other';
}

export const kindIcons: Record<ArtifactKind, IconName> = {
  image: 'image',
  table: 'table',
  markdown: 'text',
  json: 'code',
  diff: 'code',
  code: 'code',
  pdf: 'text',
  text: 'text',
  other: 'text',
};
