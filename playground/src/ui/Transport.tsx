// Play, pause, step, rewind; the time, the speed, and the digest of the network's bits.

import { useComputed } from "@preact/signals";
import {
  busy,
  experiment,
  frame,
  naturalRate,
  playing,
  present,
  rate,
  rewind,
  setRate,
  shortNumber,
  step,
  toggle,
} from "../state/store";
import { PauseIcon, PlayIcon, RewindIcon, StepIcon } from "./icons";

const SPEEDS = [1 / 64, 1 / 16, 1 / 4, 1, 4, 16, 64];

/** The bar that runs the clock. */
export function Transport() {
  return (
    <section class="transport" aria-label="Run">
      <div class="buttons">
        <button
          type="button"
          class="primary"
          data-testid="play"
          aria-label="Play or pause"
          aria-pressed={playing.value}
          aria-keyshortcuts="Space"
          onClick={toggle}
          title="Play or pause (space)"
        >
          {playing.value ? <PauseIcon /> : <PlayIcon />}
          <span>{playing.value ? "Pause" : "Play"}</span>
        </button>
        <button type="button" data-testid="step" aria-keyshortcuts="ArrowRight" onClick={step} title="One step ε (→)">
          <StepIcon />
          <span>Step</span>
        </button>
        <button
          type="button"
          data-testid="rewind"
          aria-keyshortcuts="Home"
          onClick={rewind}
          title="Back to the same start (Home)"
        >
          <RewindIcon />
          <span>Rewind</span>
        </button>
      </div>
      <Clock />
      <Speed />
      <Digest />
    </section>
  );
}

const TIME_HINT = "Time is t = kε after k steps of size ε.";
const DIGEST_HINT =
  "A hash of every bit of every neuron: the same run has the same eight digits everywhere. Open for more.";

function Clock() {
  const text = useComputed(() => clockText(frame.value?.time ?? 0, present.value.stepSize));
  const steps = useComputed(() => `step ${(frame.value?.step ?? 0).toLocaleString("en-GB")}`);
  return (
    <div class="clock" title={TIME_HINT}>
      <i>t</i> ={" "}
      <output data-testid="time" aria-label="time" aria-describedby="time-hint" aria-live="off">
        {text}
      </output>
      <span class="unseen" id="time-hint">
        {TIME_HINT}
      </span>
      <span class="quiet steps">{busy.value ? "opening …" : steps}</span>
    </div>
  );
}

// As many decimals as a frame moves; a time is not rounded away.
function clockText(time: number, stepSize: number): string {
  if (time === 0) return "0";
  const digits = Math.min(6, Math.max(2, Math.ceil(-Math.log10(stepSize))));
  return Number(time.toFixed(digits)).toString();
}

function Speed() {
  const natural = naturalRate(experiment.value.problem);
  const nearest = SPEEDS.reduce(
    (best, one) =>
      Math.abs(Math.log((one * natural) / rate.value)) < Math.abs(Math.log((best * natural) / rate.value)) ? one : best,
    1,
  );
  const actual = useComputed(() => {
    const { speed = 0, playing: runs = false } = frame.value ?? {};
    return runs && speed > 0 ? `${Math.round(speed).toLocaleString("en-GB")} steps/s` : "";
  });
  return (
    <div class="speed">
      <label for="speed">Speed</label>
      <select
        id="speed"
        value={String(nearest)}
        onChange={({ currentTarget }) => setRate(Number(currentTarget.value) * natural)}
      >
        {SPEEDS.map((one) => (
          <option key={one} value={String(one)} selected={one === nearest}>
            {shortNumber(one * natural)} t/s
          </option>
        ))}
      </select>
      <span class="quiet rate" aria-hidden="true">
        {actual}
      </span>
    </div>
  );
}

function Digest() {
  const digest = useComputed(() => frame.value?.digest ?? "");
  return (
    <details class="digest">
      <summary title={DIGEST_HINT}>
        <span class="quiet">bits</span> <code data-testid="digest">{digest}</code>
      </summary>
      <p>
        A hash of every bit of every neuron. Rewind and play again, send the link to a colleague, open it in another
        browser: at the same time of the same run these eight digits are the same, because a result depends on the
        specification alone.
      </p>
    </details>
  );
}
