// The numbers of the run: those that hold at once, and those that begin it anew.

import { useComputed } from "@preact/signals";
import { ACTIVATIONS } from "../experiment";
import {
  band,
  bandAwaited,
  change,
  experiment,
  opened,
  ownAxes,
  type Picture,
  pictures,
  planar,
  present,
} from "../state/store";
import { coordinateName } from "../views";
import { Check, Choice, NumberField } from "./fields";
import { activationNames, pictureNames } from "./words";

/** The numbers and what is shown. */
export function Numbers() {
  const one = experiment.value;
  const { stepSize, batchSize, temperature } = present.value;
  const process = opened.value?.network;
  const whole = process && (!("batchSize" in process) || ("gradient" in process && process.gradient === "full"));
  const still = process && !("temperature" in process);
  const isFile = one.problem === "file";
  return (
    <section class="numbers" aria-labelledby="numbers-heading">
      <h2 id="numbers-heading">Numbers</h2>
      <h3>From now on</h3>
      <p class="note">The run goes on from where it is.</p>
      <NumberField
        testId="stepSize"
        label="Step size"
        symbol="ε"
        hint="ε: how far a step goes; time is t = kε after k steps, and the limit is that of ε → 0."
        value={stepSize}
        min={1e-9}
        max={1e3}
        scale="log"
        slider={stepSlider(one.problem)}
        onChange={(value) => change({ stepSize: value })}
      />
      <NumberField
        testId="batchSize"
        label="Batch"
        symbol="B"
        hint="B: fresh examples whose gradients are averaged in each step."
        value={batchSize}
        min={1}
        max={4096}
        scale="log"
        slider={[1, 256]}
        integer
        disabled={whole ? "This process takes the whole gradient at each step." : null}
        onChange={(value) => change({ batchSize: value })}
      />
      <NumberField
        testId="temperature"
        label="Temperature"
        symbol="τ"
        hint="τ: temperature of the noise √(2τε)·g that is added to each weight at each step; 0 is none."
        value={temperature}
        min={0}
        max={100}
        slider={[0, 1]}
        step={0.01}
        disabled={still ? "This process has no noise; SGD and Langevin dynamics have." : null}
        onChange={(value) => change({ temperature: value })}
      />
      <h3>From a new start</h3>
      <p class="note">The run begins anew at t = 0.</p>
      <NumberField
        testId="neurons"
        label="Neurons"
        symbol="N"
        hint="N: neurons, of which the network’s output f(x) is the mean."
        value={one.neurons}
        min={1}
        max={65536}
        scale="log"
        slider={[4, 8192]}
        integer
        onChange={(value) => change({ neurons: value })}
      />
      <NumberField
        testId="radius"
        label="Radius of the start"
        symbol="κ"
        hint="κ: spread of the weights at the start, whose deviation is κ/√d in each of d directions, so that |w| is about κ."
        value={one.radius}
        min={0}
        max={100}
        slider={[0.05, 3]}
        step={0.05}
        disabled={isFile && opened.value?.network.problem.start.kind !== "gaussian" ? "The file says the start." : null}
        onChange={(value) => change({ radius: value })}
      />
      <NumberField
        testId="seed"
        label="Seed"
        value={one.seed}
        min={0}
        max={4294967295}
        integer
        slider={false}
        onChange={(value) => change({ seed: value })}
      />
      <Model />
      <Shown />
    </section>
  );
}

function Model() {
  const one = experiment.value;
  const gaussians = one.problem === "gaussians";
  return (
    <details class="model">
      <summary>Problem and precision</summary>
      {(gaussians || one.problem === "teacher") && (
        <NumberField
          testId="dimension"
          label="Dimension"
          symbol="d"
          hint="d: how many numbers an input has."
          value={one.dimension}
          min={gaussians ? 2 : 1}
          max={1024}
          scale="log"
          slider={[2, 320]}
          integer
          onChange={(value) =>
            change({
              dimension: value,
              ...(gaussians && { signal: one.signal === one.dimension ? value : Math.min(one.signal, value) }),
            })
          }
        />
      )}
      {gaussians && (
        <>
          <NumberField
            testId="signal"
            label="Signal dimension"
            symbol="s₀"
            hint="s₀: directions in which the two classes differ; P projects onto them, r₁ = |P w|."
            value={one.signal}
            min={1}
            max={one.dimension}
            integer
            onChange={(value) => change({ signal: value })}
          />
          <NumberField
            testId="delta"
            label="Difference of scales"
            symbol="Δ"
            hint="Δ: the classes’ scales are 1 + Δ and 1 − Δ in the directions of the signal."
            value={one.delta}
            min={0}
            max={0.99}
            step={0.05}
            onChange={(value) => change({ delta: value })}
          />
        </>
      )}
      <div class="field">
        <Choice
          testId="activation"
          label="Activation"
          value={one.activation}
          options={Object.keys(ACTIVATIONS).map((value) => ({ value, label: activationNames[value] ?? value }))}
          disabled={one.problem === "file"}
          onChange={(value) => change({ activation: value })}
        />
      </div>
      <div class="field">
        <Choice
          testId="precision"
          label="Precision"
          value={one.precision}
          options={[
            { value: "f64", label: "64 bits" },
            { value: "f32", label: "32 bits" },
          ]}
          onChange={(value) => change({ precision: value })}
        />
      </div>
    </details>
  );
}

const PICTURES: readonly Picture[] = ["law", "cloud", "risk", "decision", "sharpness"];

function Shown() {
  const one = experiment.value;
  const shown = pictures.value;
  const names = useComputed(() => opened.value?.coordinates ?? []);
  const options = names.value.map((value) => ({
    value,
    // where there is no second radius the first is all of |w|
    label: coordinateName(value === "r1" && !names.value.includes("r2") ? "r" : value),
  }));
  const own = ownAxes(names.value);
  const toggle = (picture: Picture, on: boolean) =>
    change({ pictures: PICTURES.filter((name) => (name === picture ? on : shown.includes(name))) });
  return (
    <fieldset class="shown">
      <legend>Pictures</legend>
      {PICTURES.map((picture) => (
        <Check
          key={picture}
          label={pictureNames[picture]}
          checked={shown.includes(picture)}
          disabled={picture === "decision" && !planar.value ? "Inputs have to be two numbers." : null}
          onChange={(on) => toggle(picture, on)}
        />
      ))}
      <Check label="Band of the risk" checked={one.band} onChange={(on) => change({ band: on })} />
      <BandNote />
      {options.length > 0 && (
        <div class="axes">
          <Choice testId="x" label="Across" value={one.x ?? own.x} options={options} onChange={(x) => change({ x })} />
          {options.length > 1 && (
            <Choice testId="y" label="Up" value={one.y ?? own.y} options={options} onChange={(y) => change({ y })} />
          )}
        </div>
      )}
    </fieldset>
  );
}

function BandNote() {
  if (!experiment.value.band) return null;
  const found = band.value;
  if (!found && !bandAwaited.value) return null;
  const words = found ? `${found.band.name}: ${found.band.method}.` : "computing the band …";
  return <p class="note">{words}</p>;
}

function stepSlider(problem: string): readonly [number, number] {
  return problem === "gaussians" || problem === "teacher" ? [1e-6, 0.1] : [1e-4, 20];
}
