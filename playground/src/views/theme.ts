// The colours of the pictures.

import { hue } from "../../../src/plot/palette";

/** Colours as #rrggbb. */
export interface Theme {
  ink: string;
  paper: string;
  muted: string;
  line: string;
  network: string;
  limit: string;
  band: string;
  /** paper darker than ink */
  dark: boolean;
}

/** On paper: also that of exported pictures. */
export const LIGHT: Theme = {
  ink: "#222222",
  paper: "#ffffff",
  muted: "#555555",
  line: "#d9d9d9",
  network: hue(0),
  limit: hue(1),
  band: "#f2b48a",
  dark: false,
};
