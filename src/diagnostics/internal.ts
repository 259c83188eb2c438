/** Look-ups that cannot fail unless Mokapot itself is wrong: they throw an internal error instead of giving undefined. */

/** The value of a key that the map has. */
export function need<K, V>(map: { get(key: K): V | undefined }, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new Error(`Mokapot: there is no entry for ${describe(key)}`);
  return value;
}

/** The element at an index within the list. */
export function nth<T>(list: readonly T[], index: number): T {
  const value = list[index];
  if (value === undefined) throw new Error(`Mokapot: index ${index} is outside of a list of ${list.length}`);
  return value;
}

function describe(key: unknown): string {
  return typeof key === 'string' || typeof key === 'number' ? JSON.stringify(key) : `a ${typeof key}`;
}
