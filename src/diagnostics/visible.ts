/**
 * Control characters where people see them: names in a stranger's network may hold codes that move a terminal's cursor or turn
 * the direction of writing, and so make it show what is not there.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones.
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the codes that colour text.
const COLOUR = /(\x1b\[\d{1,2}m)/;

/** The text with its control characters as `\x1b` or `\u202e`; line breaks and tabs stay. */
export function visible(text: string): string {
  return text.replace(CONTROLS, c => {
    const code = c.charCodeAt(0);
    // JSON knows \u alone; of these characters it escapes those below \x20 itself.
    return code < 0x20 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same of a text that has been painted: codes of colours stay. */
export function visiblePainted(text: string): string {
  return text
    .split(COLOUR)
    .map((part, i) => (i % 2 === 1 ? part : visible(part)))
    .join('');
}
