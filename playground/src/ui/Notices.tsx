// Errors and warnings: said once, shown until they are put away; the page goes on.

import { dismiss, notices } from "../state/notices";
import { CloseIcon } from "./icons";

/** Where messages stand. Two regions that are always there, so that what comes into them is spoken. */
export function Notices() {
  const errors = notices.value.filter(({ kind }) => kind === "error");
  const others = notices.value.filter(({ kind }) => kind !== "error");
  return (
    <div class="notices">
      <div role="alert" data-testid={errors.length > 0 ? "notice" : undefined}>
        <List of={errors} />
      </div>
      <div role="status" data-testid={errors.length === 0 && others.length > 0 ? "notice" : undefined}>
        <List of={others} />
      </div>
    </div>
  );
}

function List({ of }: { of: typeof notices.value }) {
  return (
    <>
      {of.map(({ key, kind, text }) => (
        <p key={key} class={`notice ${kind}`}>
          <span>{text}</span>
          <button type="button" aria-label="Put this message away" onClick={() => dismiss(key)}>
            <CloseIcon />
          </button>
        </p>
      ))}
    </>
  );
}
