// The pages of a Parquet file are looked through before hyparquet reads them: it takes their lengths as they stand, and a damaged one
// makes it run for ever, or fill the memory.
//
//   column chunk   page │ page │ …
//   page           header (Thrift) │ levels: runs that say where a value is null │ values, or runs of indices in a dictionary

import type { Compressors, FileMetaData, SchemaElement } from "hyparquet";
import { decompressPage } from "hyparquet/src/datapage.js";
import { deserializeTCompactProtocol, readVarInt } from "hyparquet/src/thrift.js";

/** Bytes, and where the next is read. */
interface Reader {
  view: DataView;
  offset: number;
}

const DATA = 0;
const DICTIONARY = 2;
const DATA_V2 = 3;
const PLAIN_DICTIONARY = 2;
const RLE = 3;
const RLE_DICTIONARY = 8;

/**
 * Checks the pages of all columns, which are flat.
 *
 * @param bytes        of the file
 * @param metadata     its end
 * @param compressors  those of the reader
 * @throws where a length or a run fits neither the file nor the number of rows
 * @see apache/parquet-format, README.md and Encodings.md
 */
export function checkPages(
  bytes: Uint8Array,
  { schema, row_groups: groups }: FileMetaData,
  compressors: Compressors,
): void {
  for (const group of groups) {
    group.columns.forEach(({ meta_data: chunk }, j) => {
      const { codec, dictionary_page_offset: first, data_page_offset: second, total_compressed_size: size } = chunk!;
      const from = Number(first || second);
      const length = Number(size);
      require(from >= 4 && length >= 0 && from + length <= bytes.length - 8, "a column outside of the file");
      const part = bytes.subarray(from, from + length);
      const reader = readerOf(part);
      for (let seen = 0; seen < group.num_rows && reader.offset < length - 1; ) {
        const header = deserializeTCompactProtocol(reader) as Record<string, never>;
        const [type, unpacked, packed] = [header["field_1"], header["field_2"], header["field_3"]] as [
          number,
          number,
          number,
        ];
        require(packed >= 0 && reader.offset + packed <= length, "a page that is longer than its column");
        // no compression reaches more than deflate's 1032
        require(unpacked >= 0 && unpacked <= 1100 * packed + 1100, "a page that is larger than can be");
        const page = part.subarray(reader.offset, reader.offset + packed);
        reader.offset += packed;
        const about = header[type === DATA ? "field_5" : type === DICTIONARY ? "field_7" : "field_8"] as Record<
          string,
          number
        >;
        if (type !== DATA && type !== DICTIONARY && type !== DATA_V2) continue;
        const count = about?.["field_1"] as number;
        require(count >= 0 &&
          count <= Math.max(Number(group.num_rows), 8 * unpacked), "more values than there are rows");
        if (type === DICTIONARY) continue;
        require(count <= group.num_rows - BigInt(seen), "more values than there are rows");
        seen += count;
        const element = schema[j + 1]!;
        if (type === DATA) {
          const content = decompressPage(page, unpacked, codec, compressors);
          checkValues(readerOf(content), element, count, about["field_2"]!);
        } else {
          checkSecond(page, unpacked, element, about, codec, compressors);
        }
      }
    });
  }
}

function checkSecond(
  page: Uint8Array,
  unpacked: number,
  element: SchemaElement,
  about: Record<string, number | boolean>,
  codec: Parameters<typeof decompressPage>[2],
  compressors: Compressors,
): void {
  const [count, nulls, rows, encoding, levels, repeats] = [1, 2, 3, 4, 5, 6].map((k) => Number(about[`field_${k}`]));
  require(rows === count && nulls! >= 0 && nulls! <= count! && repeats === 0, "more values than there are rows");
  require(levels! >= 0 && levels! <= Math.min(page.length, unpacked), "levels that are longer than their page");
  if (isOptional(element)) checkRuns(readerOf(page.subarray(0, levels)), 1, count!);
  const rest = page.subarray(levels);
  const content = about["field_7"] === false ? rest : decompressPage(rest, unpacked - levels!, codec, compressors);
  checkIndices(readerOf(content), element, count! - nulls!, encoding!);
}

function checkValues(reader: Reader, element: SchemaElement, count: number, encoding: number): void {
  let present = count;
  if (isOptional(element) && count > 0) {
    const length = reader.view.getUint32(reader.offset, true);
    const start = reader.offset + 4;
    require(start + length <= reader.view.byteLength, "levels that are longer than their page");
    present = checkRuns({ view: reader.view, offset: start }, 1, count);
    reader.offset = start + length;
  }
  checkIndices(reader, element, present, encoding);
}

function checkIndices(reader: Reader, element: SchemaElement, count: number, encoding: number): void {
  if (count === 0 || (encoding !== PLAIN_DICTIONARY && encoding !== RLE_DICTIONARY && encoding !== RLE)) return;
  if (element.type === "BOOLEAN") {
    reader.offset += 4;
    checkRuns(reader, 1, count);
    return;
  }
  const width = reader.view.getUint8(reader.offset++);
  require(width <= 32, "indices of more than 32 bits");
  if (width > 0) checkRuns(reader, width, count);
}

// Runs of equal values, and of packed ones; returns the sum of those that are one bit wide.
function checkRuns(reader: Reader, width: number, count: number): number {
  let sum = 0;
  for (let seen = 0; seen < count; ) {
    const header = readVarInt(reader);
    const isPacked = (header & 1) === 1;
    const length = isPacked ? 8 * (header >> 1) : header >>> 1;
    require(header > 0 &&
      length > 0 &&
      length <= count - seen + (isPacked ? 7 : 0), "a run that is longer than its page");
    const bytes = isPacked ? (width * length) / 8 : (width + 7) >> 3;
    if (width === 1) {
      for (let i = 0; i < Math.min(length, count - seen); i++) {
        const byte = reader.view.getUint8(reader.offset + (isPacked ? i >> 3 : 0));
        sum += isPacked ? (byte >> (i & 7)) & 1 : byte & 1;
      }
    }
    reader.offset += bytes;
    seen += length;
  }
  return sum;
}

function isOptional(element: SchemaElement): boolean {
  return element.repetition_type === "OPTIONAL";
}

function readerOf(bytes: Uint8Array): Reader {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

function require(isSo: boolean, found: string): void {
  if (!isSo) throw new Error(found);
}
