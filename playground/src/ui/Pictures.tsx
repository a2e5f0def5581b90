// The pictures that are shown.

import { useComputed } from "@preact/signals";
import { band, bandAwaited, frame, type Picture, pictures } from "../state/store";
import { CloudView, DecisionView, LawView, RiskView, SharpnessView } from "../views";

/** All pictures. */
export function Pictures() {
  return (
    <section class="pictures" aria-labelledby="pictures-heading">
      <h2 id="pictures-heading" class="unseen" tabIndex={-1}>
        Pictures
      </h2>
      {pictures.value.map((picture) => (
        <div key={picture} class={`picture ${picture}`} data-testid={`views-${picture}`}>
          <View picture={picture} />
        </div>
      ))}
    </section>
  );
}

function View({ picture }: { picture: Picture }) {
  switch (picture) {
    case "law":
      return <LawView frame={frame} />;
    case "cloud":
      return <CloudView frame={frame} />;
    case "risk":
      return <Risk />;
    case "decision":
      return <DecisionView frame={frame} />;
    case "sharpness":
      return <SharpnessView frame={frame} />;
  }
}

function Risk() {
  const present = useComputed(() => band.value?.band ?? null);
  return <RiskView frame={frame} band={present} awaited={bandAwaited} />;
}
