// Zip archives as npz has them: fflate packs and unpacks, the directory is read here, as fflate bounds no sizes and checks no sums.

import { inflateSync, zipSync } from "fflate";
import { SpecError } from "../engine/errors";
import { sizeInWords } from "./place";

/** A file in an archive; `read` unpacks it. */
export interface ZipEntry {
  name: string;
  /** bytes when it is unpacked */
  size: number;
  /** @throws {SpecError} where it is damaged */
  read(): Uint8Array;
}

/** Most bytes that an archive may have when it is unpacked: they are held in memory, and once more as numbers. */
export const MOST_UNPACKED = 2 ** 30;

/**
 * An archive.
 *
 * @param files  contents by name; `pack`: whether it is compressed
 * @returns the same bytes for the same contents: the date of each is 1980
 * @throws {SpecError} where it would be larger than `MOST_UNPACKED`
 */
export function zip(files: readonly { name: string; bytes: Uint8Array; pack: boolean }[]): Uint8Array {
  checkTotal(files.reduce((sum, { bytes }) => sum + bytes.length, 0));
  // local time is what a zip has
  const mtime = new Date(1980, 0, 1);
  const entries = files.map(({ name, bytes, pack }) => [name, [bytes, { level: pack ? 6 : 0, mtime }]] as const);
  return zipSync(Object.fromEntries(entries) as Parameters<typeof zipSync>[0]);
}

/** Whether bytes begin as a zip archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return (
    bytes[0] === 0x50 && bytes[1] === 0x4b && ((bytes[2] === 3 && bytes[3] === 4) || (bytes[2] === 5 && bytes[3] === 6))
  );
}

/**
 * The files of an archive, as its directory has them; nothing is unpacked yet.
 *
 * @param bytes  of the archive
 * @throws {SpecError} where it is none, is cut, or is too large
 * @see PKWARE, APPNOTE.TXT, 4.3
 */
export function unzip(bytes: Uint8Array): ZipEntry[] {
  if (!isZip(bytes)) throw new SpecError("npz", startOf(bytes), "a zip archive, which begins with PK");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = endOf(view);
  if (end < 0) {
    throw new SpecError(
      "npz",
      `${bytes.length} bytes`,
      "a zip archive with its directory at the end",
      "The file is cut.",
    );
  }
  const count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  if (count === 0xffff || at === 0xffffffff) throw tooLarge("more than 65534 files or 4 GB");
  const entries: ZipEntry[] = [];
  let total = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) throw damaged("npz", `entry ${i} of the directory`);
    const flags = view.getUint16(at + 8, true);
    const method = view.getUint16(at + 10, true);
    const sum = view.getUint32(at + 16, true);
    const packed = view.getUint32(at + 20, true);
    const size = view.getUint32(at + 24, true);
    const nameLength = view.getUint16(at + 28, true);
    const local = view.getUint32(at + 42, true);
    const next = at + 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > end) throw damaged("npz", `entry ${i} of the directory`);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const place = `array ${JSON.stringify(name)}`;
    if (packed === 0xffffffff || size === 0xffffffff || local === 0xffffffff) throw tooLarge(`4 GB or more in ${name}`);
    if (flags & 1) throw new SpecError(place, "an encrypted file", "a file without password");
    if (method !== 0 && method !== 8) {
      throw new SpecError(
        place,
        `compression ${method}`,
        "a stored or deflated file",
        "Write it by numpy.savez or numpy.savez_compressed.",
      );
    }
    // DEFLATE packs at most 1032 bytes in one
    if (method === 0 ? size !== packed : size > 1032 * packed + 64) throw damaged(place, `${size} bytes in ${packed}`);
    total += size;
    entries.push({ name, size, read: () => unpack(bytes, { place, local, packed, size, sum, method }) });
    at = next;
  }
  checkTotal(total);
  return entries;
}

interface Packed {
  place: string;
  local: number;
  packed: number;
  size: number;
  sum: number;
  method: number;
}

function unpack(bytes: Uint8Array, { place, local, packed, size, sum, method }: Packed): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50) throw damaged(place, "no header");
  const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const data = bytes.subarray(from, from + packed);
  if (data.length !== packed) throw damaged(place, `${data.length} bytes of ${packed}`);
  const content = method === 0 ? data : inflated(data, size, place);
  if (content.length !== size || crc32(content) !== sum) throw damaged(place, "a wrong checksum");
  return content;
}

function inflated(data: Uint8Array, size: number, place: string): Uint8Array {
  try {
    return inflateSync(data, { out: new Uint8Array(size) });
  } catch (error) {
    throw damaged(place, (error as Error).message);
  }
}

// The end of the directory is followed by a comment of at most 65535 bytes.
function endOf(view: DataView): number {
  for (let at = view.byteLength - 22; at >= 0 && at >= view.byteLength - 22 - 0xffff; at--) {
    if (view.getUint32(at, true) === 0x06054b50) return at;
  }
  return -1;
}

function checkTotal(total: number): void {
  if (total > MOST_UNPACKED) throw tooLarge(sizeInWords(total));
}

function tooLarge(found: string): SpecError {
  const most = sizeInWords(MOST_UNPACKED);
  return new SpecError(
    "npz",
    found,
    `at most ${most} when it is unpacked`,
    "It is held in memory, twice while it is read: split it.",
  );
}

function damaged(place: string, found: string): SpecError {
  return new SpecError(place, found, "a whole zip archive", "The file is damaged: copy or write it again.");
}

function startOf(bytes: Uint8Array): string {
  return bytes.length === 0
    ? "an empty file"
    : `bytes ${Array.from(bytes.subarray(0, 8), (x) => x.toString(16).padStart(2, "0")).join(" ")} …`;
}

let table: Uint32Array | null = null;

function crc32(bytes: Uint8Array): number {
  table ??= Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = table[(sum ^ bytes[i]!) & 255]! ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}
