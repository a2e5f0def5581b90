// The one text that goes with arrays and columns: what they are, of which version, in JSON. It stands in an npz as the array "meanfield",
// in a table as the note of that name.

import { SpecError } from "../engine/errors";
import { readRecord } from "./measure";
import { checkVersion, FILE_VERSION } from "./trajectory";

/** Name of the array, and of the note. */
export const MARKER = "meanfield";

/** The text of what is to be known of arrays. */
export function markerText(fields: Record<string, unknown>): string {
  return JSON.stringify({ version: FILE_VERSION, ...fields });
}

/**
 * What such a text says.
 *
 * @param text   of the marker
 * @param place  where it stands, for the error
 * @throws {SpecError} where it is no JSON, or of another version
 */
export function readMarker(text: string, place: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new SpecError(place, text, "JSON", `${(error as Error).message}.`);
  }
  const fields = readRecord(json, place, "what the arrays are, in JSON");
  checkVersion(fields.version);
  return fields;
}
