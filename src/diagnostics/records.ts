/**
 * Plain objects keyed by names that people give: of blobs, layers, files. Such a name may be `constructor` or `__proto__`,
 * so these objects are read by `own` and made by `recordOf`; test/records.test.ts holds all code to it.
 */

/** What an object has under a name of its own; undefined for what every object inherits, as `constructor`. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** Whether every object has something under this name: other programs' tables by name go wrong there. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

/** An object of these entries, later ones in the place of earlier ones. It has no prototype: any name may be a key. */
export function recordOf<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const record = Object.create(null) as Record<string, T>;
  for (const [name, value] of entries) record[name] = value;
  return record;
}

/** A name as an object literal of JavaScript has it: `data`, `"my data"`, `["__proto__"]`. */
export function literalKey(name: string): string {
  // As a plain key it would set the prototype.
  if (name === '__proto__') return '["__proto__"]';
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}
