/** How wide text is in Lato, from the font's own table, so that boxes fit what stands in them without a browser. */

/** Advance widths of U+0020 to U+007E in thousandths of the size. */
const REGULAR =
  '193 343 397 580 580 786 703 230 300 300 400 580 212 347 212 373 580 580 580 580 580 580 580 580 580 580 252 252 580 580 580 398 822 680 647 685 753 581 566 734 756 307 444 681 514 920 756 798 611 798 644 530 590 730 680 1019 643 629 624 300 375 300 580 394 307 507 559 467 559 524 337 511 556 256 254 524 256 821 556 556 552 559 403 434 373 556 512 766 504 512 462 300 300 300 580';
const BOLD =
  '193 361 422 580 580 803 714 238 300 300 400 580 225 359 225 387 580 580 580 580 580 580 580 580 580 580 265 265 580 580 580 421 823 710 652 671 748 573 562 723 756 314 437 698 517 930 756 800 625 800 655 537 595 728 710 1047 679 655 617 300 391 300 580 394 319 524 570 477 570 535 351 518 569 271 269 552 271 842 569 569 566 570 409 437 387 569 534 791 540 534 470 300 300 300 580';

const TABLES = { regular: REGULAR.split(' ').map(Number), bold: BOLD.split(' ').map(Number) } as const;

/** Another font may stand in for Lato; most are wider. */
const MARGIN = 1.06;

/** Width in pixels at a size in pixels. */
export function textWidth(text: string, size: number, weight: keyof typeof TABLES = 'regular'): number {
  const table = TABLES[weight];
  let sum = 0;
  // What the table lacks is about as wide as a digit; Chinese and its like are squares.
  for (const c of text) sum += table[c.codePointAt(0)! - 32] ?? (c.codePointAt(0)! > 0x2e80 ? 1000 : 600);
  return (MARGIN * sum * size) / 1000;
}

/** The text, or as much of it as fits with an ellipsis behind. */
export function truncated(text: string, size: number, width: number, weight: keyof typeof TABLES = 'regular'): string {
  if (textWidth(text, size, weight) <= width) return text;
  let kept = [...text];
  while (kept.length > 1 && textWidth(`${kept.join('')}…`, size, weight) > width) kept = kept.slice(0, -1);
  return `${kept.join('')}…`;
}
