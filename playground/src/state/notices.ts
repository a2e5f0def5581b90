// What the page has to say to its visitor: errors and warnings, one line each, until they are put away.

import { signal } from "@preact/signals";

/** A message; errors are spoken at once, others when the reader pauses. */
export interface Notice {
  key: number;
  kind: "error" | "warning" | "information";
  text: string;
  /** what it is about, where a later one about the same replaces it */
  about?: string;
}

/** Messages that stand on the page, oldest first. */
export const notices = signal<readonly Notice[]>([]);

/** What a screen reader is told in passing, as "paused at t = 2.5". */
export const spoken = signal("");

const MOST = 4;
let last = 0;

/** Shows a message; the same words are not shown twice, and one about the same thing gives way. */
export function notify(kind: Notice["kind"], text: string, about?: string): void {
  if (notices.peek().some((one) => one.text === text)) return;
  const others = notices.peek().filter((one) => about === undefined || one.about !== about);
  notices.value = [...others, { key: ++last, kind, text, ...(about !== undefined && { about }) }].slice(-MOST);
}

/** Puts away what was said about something that is so no more. */
export function dismissAbout(about: string): void {
  if (notices.peek().some((one) => one.about === about))
    notices.value = notices.peek().filter((one) => one.about !== about);
}

/** Shows an error, whatever was thrown. */
export function notifyError(error: unknown, before = ""): void {
  const text = error instanceof Error ? error.message : String(error);
  notify("error", before ? `${before}: ${text}` : text);
}

/** Puts a message away. */
export function dismiss(key: number): void {
  notices.value = notices.peek().filter((one) => one.key !== key);
}

/** Puts away all of one kind, as errors that a run that goes has answered. */
export function dismissAll(kind: Notice["kind"]): void {
  if (notices.peek().some((one) => one.kind === kind))
    notices.value = notices.peek().filter((one) => one.kind !== kind);
}
