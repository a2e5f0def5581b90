// One text for one spec: canonical JSON and its hash, the same in Node and in a browser.

import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils";
import { SpecError } from "../engine/errors";
import { encodeTensor, isTensor } from "../model/tensor";

/**
 * The canonical JSON of a value: no white space, fields sorted, tensors by content as base64.
 *
 * @param value  plain JSON, tensors allowed
 * @param path   where it stands, for the error
 * @throws {SpecError} with the path of what JSON cannot hold: NaN, infinities, functions, unpaired surrogates, cycles
 * @see RFC 8785
 */
export function canonicalJson(value: unknown, path = "value"): string {
  return write(value, path, []);
}

/**
 * SHA-256 of the canonical JSON, as 64 hexadecimal digits.
 *
 * @param value  plain JSON, tensors allowed; normalise a spec (`parseProcess`) first, so that defaults count
 * @param path   where it stands, for the error
 * @throws {SpecError} as `canonicalJson`
 */
export function specHash(value: unknown, path = "value"): string {
  return bytesToHex(sha256(utf8ToBytes(canonicalJson(value, path))));
}

function write(value: unknown, path: string, above: readonly object[]): string {
  if (value === null || typeof value === "boolean") return String(value);
  // Numbers and strings: JSON.stringify already writes what RFC 8785, section 3.2.2, asks for.
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new SpecError(path, value, "a finite number");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (UNPAIRED.test(value)) throw new SpecError(path, value, "text without unpaired surrogates");
    return JSON.stringify(value);
  }
  if (typeof value !== "object") throw new SpecError(path, value, "plain JSON");
  if (above.includes(value)) throw new SpecError(path, "a cycle", "plain JSON");
  const within = [...above, value];
  if (isTensor(value)) return write({ ...encodeTensor(value) }, path, within);
  if (Array.isArray(value)) return `[${value.map((item, i) => write(item, `${path}[${i}]`, within)).join(",")}]`;
  if (ArrayBuffer.isView(value)) throw new SpecError(path, value, "a tensor or a list, as typed arrays have no JSON");
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
  // Without an argument, sort compares UTF-16 code units, which is the order of RFC 8785.
  const members = names.sort().map((name) => {
    return `${write(name, path, [])}:${write(fields[name], `${path}.${name}`, within)}`;
  });
  return `{${members.join(",")}}`;
}

const UNPAIRED = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
