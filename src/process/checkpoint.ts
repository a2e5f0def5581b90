// Saved states: magic, version, a JSON header, then arrays, then a checksum of it all.
//
//   "MFSTATE1" │ u32 header bytes │ header (JSON) │ padding to 8 │ payload │ u32 checksum

import { CheckpointError } from "../engine/errors";

const MAGIC = "MFSTATE1";

/** What a saved state says of itself. */
export interface StateHeader {
  /** Kind of process. */
  kind: string;
  /** Build whose kernels made it. */
  backend: string;
  /** Hash of the specification. */
  spec: string;
  /** Whatever else the process needs: step, time, sizes. */
  [key: string]: unknown;
}

/** Packs a header and a payload. */
export function pack(header: StateHeader, payload: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const start = Math.ceil((12 + text.length) / 8) * 8;
  const bytes = new Uint8Array(start + payload.length + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, text.length, true);
  bytes.set(text, 12);
  bytes.set(payload, start);
  view.setUint32(start + payload.length, checksum(bytes.subarray(0, -4)), true);
  return bytes;
}

/**
 * Unpacks a saved state and checks that it belongs to a run.
 *
 * @param expected  kind, backend and spec it must carry
 * @throws {CheckpointError} naming what does not fit
 */
export function unpack(
  bytes: Uint8Array,
  expected: { kind: string; backend: string; spec: string },
): { header: StateHeader; payload: Uint8Array } {
  if (!(bytes instanceof Uint8Array)) throw new CheckpointError("A saved state is a Uint8Array, as `save` returns it.");
  const magic = new TextDecoder().decode(bytes.subarray(0, 8));
  if (!magic.startsWith("MFSTATE")) throw new CheckpointError("These bytes are not a saved state of meanfield.");
  if (magic !== MAGIC) {
    throw new CheckpointError(`This saved state is of another version (${magic}); this library reads ${MAGIC}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 12 ? view.getUint32(8, true) : 0;
  const start = Math.ceil((12 + length) / 8) * 8;
  if (bytes.length < start + 4 || view.getUint32(bytes.length - 4, true) !== checksum(bytes.subarray(0, -4))) {
    throw new CheckpointError("The saved state is damaged: its checksum does not fit. Use an earlier one.");
  }
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(12, 12 + length))) as StateHeader;
  for (const key of ["kind", "spec", "backend"] as const) {
    if (header[key] !== expected[key]) {
      const what = { kind: "process", spec: "specification", backend: "build of the kernels" }[key];
      throw new CheckpointError(
        `The saved state belongs to another ${what} (${header[key]}, this run has ${expected[key]}).`,
      );
    }
  }
  return { header, payload: bytes.slice(start, bytes.length - 4) };
}

// FNV-1a over 32-bit arithmetic: finds truncation and flipped bits, defends against nobody.
function checksum(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193);
  return h >>> 0;
}
