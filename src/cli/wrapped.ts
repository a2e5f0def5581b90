// Sentences in lines of a terminal.

/**
 * A text in lines of at most 100 letters, where its words allow it.
 *
 * @param text    words with blanks between them
 * @param indent  stands before each line
 * @returns lines, each with its end
 */
export function wrapped(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > 100) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return `${[...lines, line.trimEnd()].join("\n")}\n`;
}
