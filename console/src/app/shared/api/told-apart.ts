/**
 * For lists to choose from and names in a record: whatever shares its name with another has what tells them apart beside
 * it, an e-mail or an id. Who stands alone keeps the plain name.
 */
export function toldApart<T extends { readonly name: string }>(
  all: readonly T[],
  mark: (one: T) => string,
): T[] {
  const count = new Map<string, number>();
  const plain = ({ name }: T) => name.trim().toLowerCase();
  for (const one of all) count.set(plain(one), (count.get(plain(one)) ?? 0) + 1);
  return all.map((one) =>
    count.get(plain(one)) === 1 ? one : { ...one, name: `${one.name.trim()} (${mark(one)})` },
  );
}

/** The same for a page of projects. */
export const projectsApart = <P extends { items: { id: string; name: string }[] }>(page: P): P => ({
  ...page,
  items: toldApart(page.items, ({ id }) => id),
});
