// What stands on axes and in summaries: names of coordinates, numbers in words.

const BELOW = "₀₁₂₃₄₅₆₇₈₉";

/** A coordinate as it is written: w3 → w₃, r1 → r₁ = |Pw|. */
export function coordinateName(name: string): string {
  const written = name.replace(/\d/g, (digit) => BELOW[Number(digit)]!);
  if (name === "r") return "r = |w|";
  if (name === "r1") return "r₁ = |P w|";
  if (name === "r2") return "r₂ = |(I − P) w|";
  return written;
}

/** What P is, where a name has it; "" where it has not. */
export function projectionNote(...names: string[]): string {
  return names.some((name) => name === "r1" || name === "r2") ? " P projects onto the signal space." : "";
}

/** A mean in words: what is left of 0 by rounding, against the width of what it is a mean of, is 0. */
export function readableMean(value: number, width: number): string {
  return readable(Math.abs(value) < 1e-12 * width ? 0 : value);
}

/** A number of three digits, as one reads it. */
export function readable(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, exponent] = value.toExponential(2).split("e") as [string, string];
    const power = exponent
      .replace("+", "")
      .replace("-", "⁻")
      .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]!);
    return `${mantissa.replace("-", "−")}·10${power}`;
  }
  return Number(value.toPrecision(3)).toString().replace("-", "−");
}
