// How much room words take, without a browser to ask.

// Mean width of a letter of a sans-serif font, in units of its size.
const GLYPH = 0.5;

/**
 * About how wide a text is.
 *
 * @param text  one line
 * @param size  font size in pixels
 * @returns pixels
 */
export function textWidth(text: string, size: number): number {
  return text.length * size * GLYPH;
}

/**
 * A text as lines, broken at spaces.
 *
 * @param text   a paragraph
 * @param width  of the longest line, in pixels, about
 * @param size   font size in pixels
 */
export function wrap(text: string, width: number, size: number): string[] {
  const length = width / (size * GLYPH);
  const lines: string[] = [];
  let line = "";
  // what stands in short parentheses, as a knot or a normal law, stays together
  const whole = text.replace(/\([^()]{1,16}\)/g, (group) => group.replaceAll(" ", "\u00a0"));
  for (const word of whole.split(" ")) {
    if (line.length + 1 + word.length > length && line !== "") {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
