/** Where the console goes when nobody says. */
const HOME = '/chat';

/**
 * A path of the console, or its first page: what is asked for comes out of an address. Whatever leads elsewhere once a browser
 * has read it (`//evil`, `/\evil`, a tab in between, a scheme) is none.
 */
export function ownPath(asked: string | undefined): string {
  if (asked === undefined || !/^\/[^\\\x00-\x20\x7f]*$/.test(asked)) return HOME;
  const url = URL.canParse(asked, base) ? new URL(asked, base) : undefined;
  if (url?.origin !== base || url.pathname.startsWith('//')) return HOME;
  return url.pathname + url.search + url.hash;
}

const base = 'http://own.invalid';

/** In the console, with what it is to be told. */
export function consolePath(path: string, told: Record<string, string | undefined> = {}): string {
  const url = new URL(`/console${ownPath(path)}`, base);
  for (const [key, value] of Object.entries(told))
    if (value !== undefined) url.searchParams.set(key, value);
  return url.pathname + url.search + url.hash;
}
