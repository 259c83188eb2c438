/** The schemas of grammar/*.proto as they are carried along, in fewer letters (scripts/embed-schema.mjs), as protobuf reads them. */

/** @param text as scripts/embed-schema.mjs writes it: fields without `optional`, defaults behind an @ */
export function protoOf(text: string): string {
  return text.replace(/^(?=[\w.]+ \w+=\d)/gm, 'optional ').replace(/(=\d+)@(.+);$/gm, '$1 [default=$2];');
}
