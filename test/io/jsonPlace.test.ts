// Where a text stops being JSON, in words that do not depend on the engine.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonPlace, parseJsonText } from "../../src/io/jsonPlace";

describe("the place of an error", () => {
  it.each<[string, number]>([
    ["", 0],
    ["  ", 2],
    ["{", 1],
    ['{ "a": 1, }', 10],
    ['{ "a" 1 }', 6],
    ["{ a: 1 }", 2],
    ["{ 'a': 1 }", 2],
    ["[1, 2,]", 6],
    ["[1 2]", 3],
    ["[1, 2", 5],
    ["[1, 2}", 5],
    ["01", 0],
    ["1 2", 2],
    ["[1.5e]", 1],
    ["[NaN]", 1],
    ["[truefalse]", 1],
    ['["a\nb"]', 1],
    ['["\\x"]', 1],
    ['{ "a": 1 } // done', 11],
  ])("of %j is %i", (text, index) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(jsonPlace(text).index).toBe(index);
  });

  it("is told by line and column, from 1", () => {
    expect(jsonPlace('{\n  "a": 1,\n  "b": }\n')).toEqual({ index: 19, line: 3, column: 8 });
    expect(() => parseJsonText('{\n  "a": 1,\n  "b": }\n')).toThrow('line 3, column 8: expected JSON, found "}"');
    expect(() => parseJsonText('{ "a": [1,')).toThrow('line 1, column 11: expected JSON, found "the end of the file"');
  });

  // whatever is JSON is read to its end, and whatever is cut off is found at its end
  it("agrees with the engine on what is JSON", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, at) => {
        expect(jsonPlace(text).index).toBe(text.length);
        expect(parseJsonText(text)).toEqual(JSON.parse(text));
        const cut = text.slice(0, at % (text.length + 1));
        const { index } = jsonPlace(cut);
        expect(index).toBeLessThanOrEqual(cut.length);
        // a prefix fails where it ends, or where a string, a number or a word begins that is not whole
        const rest = cut.slice(index).trimStart();
        expect(rest === "" || rest.startsWith('"') || /^-?[\w.+-]*$/.test(rest)).toBe(true);
      }),
      { seed: 1, endOnFailure: true },
    );
  });
});
