import type { ArtifactRef } from '@aos/contracts';
import type { IconName } from '../ui/icon';

export type ArtifactKind = 'image' | 'table' | 'markdown' | 'json' | 'text' | 'other';

/** How an artifact is best looked at. The media type decides; the name helps where it says too little. */
export function kindOf({ mediaType, name }: ArtifactRef): ArtifactKind {
  const type = mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  if (/^image\/(png|svg\+xml|jpeg|gif|webp|avif)$/.test(type)) return 'image';
  if (
    type === 'text/csv' ||
    type === 'text/tab-separated-values' ||
    ending === 'csv' ||
    ending === 'tsv'
  )
    return 'table';
  if (type === 'text/markdown' || ending === 'md') return 'markdown';
  if (type === 'application/json' || type.endsWith('+json') || ending === 'json') return 'json';
  if (type.startsWith('text/') || type === 'application/x-ndjson') return 'text';
  return 'other';
}

export const kindIcons: Record<ArtifactKind, IconName> = {
  image: 'image',
  table: 'table',
  markdown: 'text',
  json: 'code',
  text: 'text',
  other: 'text',
};
