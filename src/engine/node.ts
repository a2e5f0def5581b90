// Node's own modules, asked for at run time: an import of "node:os" would fail in a bundle for the browser.

type NodeModules = {
  "node:fs/promises": typeof import("node:fs/promises");
  "node:os": typeof import("node:os");
  "node:url": typeof import("node:url");
};

/** A module of Node's own; undefined where this is not Node. */
export function nodeModule<K extends keyof NodeModules>(name: K): NodeModules[K] | undefined {
  return typeof process === "object" ? (process.getBuiltinModule?.(name) as NodeModules[K] | undefined) : undefined;
}
