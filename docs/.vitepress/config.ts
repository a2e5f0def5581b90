// The site of the guide: the pages of docs/, the notes beside them, and the reference that typedoc writes to docs/api.
//
// `npm run docs` builds it. SITE_BASE is the path it is served under, "/" if it is not given: "/meanfield/" for a folder of a host.

import { existsSync, readFileSync } from "node:fs";
import { type DefaultTheme, defineConfig } from "vitepress";

const base = process.env["SITE_BASE"] ?? "/";
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path fill="#9ecae1" d="M3 28V20h5v8zM9 28V9h5v19zM15 28v-14h5v14zM21 28v-6h5v6z"/><path fill="none" stroke="#d94801" stroke-width="3" d="M2 24C8 4 14 6 17 12s6 12 13 14"/></svg>`;

// built by the playground's own script into the same folder, and so no page of this site
const playground = { text: "Playground", link: "/playground/", target: "_self" };

const guide: DefaultTheme.SidebarItem[] = [
  {
    text: "Start",
    items: [
      { text: "What it is for", link: "/guide/" },
      { text: "Five minutes", link: "/guide/start" },
      { text: "Which limit should I use?", link: "/guide/which-limit" },
    ],
  },
  {
    text: "Families",
    items: [
      { text: "SGD and the radial flow", link: "/guide/radial-flow" },
      { text: "Langevin and Fokker–Planck", link: "/guide/langevin" },
      { text: "Fluctuations", link: "/guide/fluctuations" },
      { text: "Kernels", link: "/guide/kernels" },
      { text: "The landscape", link: "/guide/landscape" },
    ],
  },
  {
    text: "Practice",
    items: [
      { text: "Embedding in a page", link: "/guide/embedding" },
      { text: "Reproducibility", link: "/guide/reproducibility" },
      { text: "Performance", link: "/guide/performance" },
      { text: "Command line", link: "/commandLine" },
      { text: "Interchange of data", link: "/interchange" },
      { text: "How to cite", link: "/guide/cite" },
    ],
  },
];

const notes: DefaultTheme.SidebarItem[] = [
  {
    text: "Notes",
    items: [
      { text: "Conventions", link: "/conventions" },
      { text: "Random streams", link: "/streams" },
      { text: "Distances", link: "/distances" },
      { text: "Decisions", link: "/decisions" },
    ],
  },
  {
    text: "Limits",
    items: [
      { text: "The radial flow", link: "/radial" },
      { text: "The population gradient", link: "/population" },
      { text: "Coupled dynamics", link: "/coupling" },
      { text: "Barron’s theorem", link: "/barron" },
      { text: "Langevin and Fokker–Planck", link: "/langevin" },
      { text: "Low temperatures", link: "/temperature" },
    ],
  },
  {
    text: "Fluctuating limits",
    items: [
      { text: "By superposition", link: "/superposition" },
      { text: "On a grid", link: "/smfeGrid" },
      { text: "Central limit theorem", link: "/fluctuations" },
      { text: "The linear model", link: "/linearModel" },
      { text: "Modified flows", link: "/modifiedFlows" },
    ],
  },
  {
    text: "Kernels and landscape",
    items: [
      { text: "Kernels", link: "/kernels" },
      { text: "Lazy and mean-field training", link: "/lazy" },
      { text: "The landscape", link: "/landscape" },
      { text: "Gradient flow as a regulariser", link: "/regularisation" },
      { text: "Finite steps", link: "/finiteSteps" },
      { text: "Edge of stability, catapult", link: "/edgeOfStability" },
      { text: "Classification", link: "/classification" },
    ],
  },
];

/** Sidebars of the reference: the rooms, and in a room its names too; only the rooms before typedoc has run. */
function reference(): DefaultTheme.SidebarMulti {
  const file = new URL("../api/typedoc-sidebar.json", import.meta.url);
  const rooms: { text: string; items: { text: string; link: string }[] }[] = existsSync(file)
    ? JSON.parse(readFileSync(file, "utf8"))
    : [];
  const folderOf = (room: (typeof rooms)[number]) => room.items[0]!.link.split("/").slice(0, 3).join("/");
  const all = { text: "Reference", link: "/api/" };
  const sidebars: DefaultTheme.SidebarMulti = {
    "/api/": [{ ...all, items: rooms.map((room) => ({ text: room.text, link: room.items[0]!.link })) }],
  };
  for (const room of rooms) {
    const others = rooms.filter((other) => other !== room);
    sidebars[`${folderOf(room)}/`] = [
      { text: room.text, items: room.items },
      { ...all, items: others.map((other) => ({ text: other.text, link: other.items[0]!.link })) },
    ];
  }
  return sidebars;
}

/** Pages that other parts of the project write are listed once they are there. */
const present = (items: DefaultTheme.SidebarItem[]): DefaultTheme.SidebarItem[] =>
  items.map((group) => ({
    ...group,
    items: (group.items ?? []).filter(({ link }) => {
      const page = link!.endsWith("/") ? `${link}index` : link;
      return existsSync(new URL(`..${page}.md`, import.meta.url));
    }),
  }));

export default defineConfig({
  base,
  lang: "en-GB",
  title: "meanfield",
  description: "SGD on two-layer networks beside its mean-field limits, in Node and in a web page.",
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  // the same for all pages, and so once for all
  metaChunk: true,
  ignoreDeadLinks: [/^\/playground\//],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    // in formulas { } and _ are what they are: no attributes, and emphasis by * alone
    attrs: { disable: true },
    config: (md) => {
      md.inline.ruler.before("emphasis", "subscript", (state, silent) => {
        if (state.src[state.pos] !== "_") return false;
        if (!silent) state.pending += "_";
        state.pos += 1;
        return true;
      });
      // equations, which the keyboard can scroll
      md.renderer.rules["code_block"] = (tokens, i) =>
        `<pre class="equation" tabindex="0"><code>${md.utils.escapeHtml(tokens[i]!.content)}</code></pre>\n`;
      // the playground is no page of this site: the browser opens it, not the router
      const opened = md.renderer.rules["link_open"]!;
      md.renderer.rules["link_open"] = (tokens, i, ...rest) => {
        const link = tokens[i]!.attrGet("href");
        if (link?.startsWith(playground.link)) {
          tokens[i]!.attrSet("href", base + link.slice(1));
          tokens[i]!.attrSet("target", playground.target);
        }
        return opened(tokens, i, ...rest);
      };
    },
  },
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    nav: [
      { text: "Guide", link: "/guide/", activeMatch: "^/guide/|^/commandLine|^/interchange" },
      { text: "Gallery", link: "/gallery" },
      playground,
      { text: "Reference", link: "/api/", activeMatch: "^/api/" },
      { text: "Notes", link: "/conventions" },
    ].filter(({ link }) => link !== "/gallery" || existsSync(new URL("../gallery.md", import.meta.url))),
    sidebar: {
      ...reference(),
      ...Object.fromEntries(
        ["/guide/", "/commandLine", "/interchange", "/gallery"].map((path) => [path, present(guide)]),
      ),
      "/": present(notes),
    },
    outline: [2, 3],
    search: { provider: "local" },
    externalLinkIcon: true,
  },
});
