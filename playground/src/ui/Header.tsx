// Name, guide, tour, theme.

import { experiment } from "../state/store";
import { chooseTheme, type Theme, theme } from "../state/theme";
import { goTo } from "../tour/tour";
import { Choice } from "./fields";

const THEMES: readonly { value: Theme; label: string }[] = [
  { value: "system", label: "as the system" },
  { value: "light", label: "light" },
  { value: "dark", label: "dark" },
];

/** The head of the page. */
export function Header() {
  return (
    <header>
      <button
        type="button"
        class="skip"
        onClick={() => document.querySelector<HTMLElement>("#pictures-heading")?.focus()}
      >
        Skip to the pictures
      </button>
      <h1>
        meanfield <span>playground</span>
      </h1>
      <p class="lead">As a two-layer network gets wide, SGD on it follows a partial differential equation. Run both.</p>
      <nav aria-label="Page">
        <button type="button" data-testid="tour" aria-pressed={experiment.value.tour !== null} onClick={() => goTo(1)}>
          Tour
        </button>
        {/* the guide stands beside the page where both are built; while the page is worked on there is none */}
        {!import.meta.env.DEV && <a href="../index.html">Guide</a>}
        <Choice testId="theme" label="Theme" value={theme.value} options={THEMES} onChange={chooseTheme} />
      </nav>
    </header>
  );
}
