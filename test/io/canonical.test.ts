import { describe, expect, it } from "vitest";
import { SpecError } from "../../src/engine/errors";
import { canonicalJson, specHash } from "../../src/io/canonical";
import { tensor } from "../../src/model/tensor";

describe("canonical JSON", () => {
  it("is RFC 8785's example, section 3.2.2 and 3.2.4", () => {
    const value = {
      numbers: [Number("333333333.33333329"), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\u002f",
      literals: [null, true, false],
    };
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("sorts fields by UTF-16 code units, as RFC 8785's example in section 3.2.3", () => {
    const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
    const text = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(text).toBe(`{${sorted.map((key) => `${JSON.stringify(key)}:0`).join(",")}}`);
  });

  it("leaves out absent fields and writes negative zero as zero", () => {
    expect(canonicalJson({ b: undefined, a: -0 })).toBe('{"a":0}');
  });

  it("holds tensors by content, cloned or not", () => {
    const value = { x: tensor([[1, 2]]) };
    expect(canonicalJson(value)).toBe('{"x":{"data":"AAAAAAAA8D8AAAAAAAAAQA==","dtype":"f64","shape":[1,2]}}');
    expect(canonicalJson(structuredClone(value))).toBe(canonicalJson(value));
    expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(canonicalJson(value));
  });

  const cycle: Record<string, unknown> = {};
  cycle.a = { b: cycle };
  it.each([
    [{ a: [1, Number.NaN] }, "value.a[1]"],
    [{ a: Number.POSITIVE_INFINITY }, "value.a"],
    [{ a: () => 1 }, "value.a"],
    [{ a: "\ud800" }, "value.a"],
    [{ a: [undefined] }, "value.a[0]"],
    [{ a: Float64Array.of(1) }, "value.a"],
    [cycle, "value.a.b"],
  ])("of what JSON cannot hold is a SpecError: %#", (value, path) => {
    try {
      canonicalJson(value);
    } catch (error) {
      expect(error).toBeInstanceOf(SpecError);
      expect((error as SpecError).path).toBe(path);
      return;
    }
    throw new Error("no error was thrown");
  });

  it("may hold one object twice", () => {
    const shared = { x: 1 };
    expect(canonicalJson([shared, shared])).toBe('[{"x":1},{"x":1}]');
  });
});

describe("the hash of a spec", () => {
  // coreutils: printf '{}' | sha256sum, printf '{"a":[1,2],"b":"x"}' | sha256sum
  it("is SHA-256 of the canonical JSON, in hexadecimal", () => {
    expect(specHash({})).toBe("44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    expect(specHash({ b: "x", a: [1, 2] })).toBe("d0f56dda38d34376527524ddd98f7ec117d5cbfb240f86e11bfb9d2d01a717d9");
  });
});
