// What Vite puts in place of `import.meta.env`, as far as the page reads it.
interface ImportMeta {
  readonly env: { readonly DEV: boolean };
}
