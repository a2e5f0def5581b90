// Dark or light: the system's, unless the visitor chose otherwise, which is kept in this browser (public/theme.js reads it first).

import { computed, effect, signal } from "@preact/signals";

/** "system" follows prefers-color-scheme. */
export type Theme = "system" | "light" | "dark";

const KEY = "meanfield-theme";
const darkSystem = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(darkSystem.matches);
darkSystem.addEventListener("change", ({ matches }) => {
  systemIsDark.value = matches;
});

const chosen = document.documentElement.dataset["theme"];

/** What was chosen. */
export const theme = signal<Theme>(chosen === "dark" || chosen === "light" ? chosen : "system");

/** Whether the page is dark now; pictures are redrawn when it changes. */
export const dark = computed(() => (theme.value === "system" ? systemIsDark.value : theme.value === "dark"));

effect(() => {
  const { dataset } = document.documentElement;
  if (theme.value === "system") delete dataset["theme"];
  else dataset["theme"] = theme.value;
});

/** Chooses a theme and remembers it, where the browser lets us. */
export function chooseTheme(value: Theme): void {
  theme.value = value;
  try {
    if (value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, value);
  } catch {
    // storage is forbidden: it holds for this visit
  }
}
