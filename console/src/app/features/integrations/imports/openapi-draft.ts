import type { ImportOpenApi, OpenApiAuth } from '@aos/contracts';

/** What is typed into the dialog. */
export interface OpenApiDraft {
  name: string;
  from: 'address' | 'text';
  address: string;
  text: string;
  baseUrl: string;
  secret: string;
  in: OpenApiAuth['in'];
  /** Of the header or the parameter that carries the secret. */
  key: string;
}

export const freshOpenApi: OpenApiDraft = {
  name: '',
  from: 'address',
  address: '',
  text: '',
  baseUrl: '',
  secret: '',
  in: 'bearer',
  key: '',
};

export type OpenApiFaults = Partial<Record<keyof OpenApiDraft, string>>;

const isWeb = (text: string) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text);

/** Keys of words by field. */
export function openApiFaults(draft: OpenApiDraft): OpenApiFaults {
  const faults: OpenApiFaults = {};
  if (!/^[a-z][a-z0-9_-]{0,39}$/.test(draft.name)) faults.name = 'nameFault';
  else if (draft.name.startsWith('agent-')) faults.name = 'agentName';
  if (draft.from === 'address' && !isWeb(draft.address.trim())) faults.address = 'urlFault';
  if (draft.from === 'text' && draft.text.trim() === '') faults.text = 'import.textFault';
  if (draft.baseUrl.trim() !== '' && !isWeb(draft.baseUrl.trim())) faults.baseUrl = 'urlFault';
  if (draft.secret && draft.in !== 'bearer' && !/^[A-Za-z0-9_.-]{1,100}$/.test(draft.key))
    faults.key = 'import.keyFault';
  return faults;
}

/** @param include names of the tools to take; all when absent */
export function toOpenApiImport(
  draft: OpenApiDraft,
  preview: boolean,
  include?: readonly string[],
): ImportOpenApi {
  return {
    name: draft.name,
    ...(draft.from === 'address'
      ? { documentUrl: draft.address.trim() }
      : { document: draft.text }),
    ...(draft.baseUrl.trim() && { baseUrl: draft.baseUrl.trim() }),
    ...(draft.secret && {
      auth: {
        secret: draft.secret,
        in: draft.in,
        ...(draft.in !== 'bearer' && { name: draft.key }),
      },
    }),
    ...(include && { include: [...include] }),
    preview,
  };
}

/** A name for the server, from where its document is: `https://api.shop.example/v1/openapi.json` is `shop`. */
export function nameFrom(source: string): string {
  const host = URL.canParse(source) ? new URL(source).hostname : '';
  const parts = host.split('.').filter((part) => !/^(www|api|dev|docs?)$/.test(part));
  const word = host ? (parts[0] ?? '') : source.replace(/\.[a-z]+$/i, '');
  return word
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 40);
}
