// The Fokker–Planck equation ∂_t m = ∇·((∇Ψ(·; m) + ∇U) m + τ∇m) on a grid in one or two parameters.             theory §7
//
// The limit of noisy SGD and of mean-field Langevin dynamics, and the gradient flow of the free energy
// 𝓕(m) = F(m) + ∫U dm + τ∫ m log m. The numerics are in fokkerPlanck/.

import type { Engine } from "../engine/engine";
import { CheckpointError, SpecError } from "../engine/errors";
import { finish, type Work } from "../measure/cells";
import type { FreeEnergy } from "../measure/freeEnergy";
import { type Grid, grid } from "../measure/measure";
import { isLocalProblem } from "../model/problem";
import { pack, unpack } from "./checkpoint";
import { discretise } from "./fokkerPlanck/discretise";
import { type FlowFlag, FokkerPlanckFlow } from "./fokkerPlanck/flow";
import { stationaryCells } from "./fokkerPlanck/stationary";
import { CHUNK_MILLISECONDS, identityOf, inTurn, pause, type Simulation, type Watch } from "./process";
import type { FokkerPlanckProcess } from "./schema";

/** Default L1 error of a step. */
const TOLERANCE = 1e-7;

/** Share of the start outside the box above which it is named. */
const OUTSIDE = 1e-9;

/** Sets the law at time 0 and returns the simulation. */
export function start(process: FokkerPlanckProcess, engine: Engine): Simulation {
  const { temperature, timeStep, tolerance, maxStep } = process;
  const { outside, ...problem } = discretise(process);
  const { cells } = problem;
  const identity = identityOf(process, engine);
  const flow = new FokkerPlanckFlow({
    ...problem,
    temperature,
    steps:
      timeStep === null ? { tolerance: tolerance ?? TOLERANCE, ...(maxStep !== null && { maxStep }) } : { timeStep },
    snapshot: () => (isLocalProblem(process.problem) ? null : save()),
  });
  let time = 0;
  let masses: Float64Array | null = flow.masses.slice();
  let freed = false;
  const alive = () => {
    if (freed) throw new TypeError("This simulation was freed.");
  };

  function save(): Uint8Array {
    const { time: reached, step, accepted, values, notes } = flow.save();
    const payload = new Uint8Array((3 + values.length) * 8);
    const view = new DataView(payload.buffer);
    [time, reached, step].forEach((x, i) => void view.setFloat64(8 * i, x, true));
    values.forEach((x, i) => void view.setFloat64(8 * (3 + i), x, true));
    return pack({ ...identity(), accepted, notes }, payload);
  }

  // Does work in chunks; between them the thread is free, and the signal may stop it.
  async function inChunks<T>(work: Work<T>, { signal, onProgress }: Watch): Promise<T> {
    let began = performance.now();
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      if (performance.now() - began < CHUNK_MILLISECONDS) continue;
      time = Math.max(time, flow.time);
      onProgress?.(time);
      await pause();
      alive();
      signal?.throwIfAborted();
      began = performance.now();
    }
  }

  return {
    process,
    engine,
    get warnings() {
      return [
        ...(outside > OUTSIDE
          ? [`${outside.toExponential(1)} of the start lies outside the box and was left out.`]
          : []),
        ...flow.flags.map(warning),
      ];
    },
    get time() {
      return time;
    },
    get step() {
      return flow.accepted;
    },
    advance: inTurn(async (t: number, watch: Watch = {}) => {
      alive();
      if (!(t >= time)) {
        throw new SpecError("t", t, `a time not before the time reached, ${time}`, "Start again to go back.");
      }
      watch.signal?.throwIfAborted();
      if (t === time && masses !== null) return;
      masses = null;
      await inChunks(flow.advance(t), watch);
      masses = await inChunks(flow.at(t), watch);
      time = t;
      watch.onProgress?.(time);
    }),
    measure() {
      alive();
      if (masses === null) {
        finish(flow.advance(time));
        masses = finish(flow.at(time));
      }
      return grid({
        coordinates: "theta",
        edges: cells.edges.map((axis) => axis.slice()),
        masses: masses.slice(),
      });
    },
    save() {
      alive();
      return save();
    },
    restore(bytes) {
      alive();
      const { header, payload } = unpack(bytes, identity());
      if (payload.length !== 8 * (3 + cells.size)) throw new CheckpointError("The saved state has the wrong length.");
      const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
      const numbers = Float64Array.from({ length: 3 + cells.size }, (_, i) => view.getFloat64(8 * i, true));
      time = numbers[0]!;
      masses = null;
      flow.restore({
        time: numbers[1]!,
        step: numbers[2]!,
        accepted: Number(header["accepted"]),
        values: numbers.subarray(3),
        notes: header["notes"] as FlowFlag[],
      });
    },
    free() {
      freed = true;
    },
  };
}

function warning({ kind, time, share }: FlowFlag): string {
  const since = `since t = ${time.toPrecision(3)}`;
  switch (kind) {
    case "wall":
      return `The law has reached a wall of the box ${since}, with ${share.toExponential(1)} of an even density; take a larger box.`;
    case "unresolved":
      return (
        `The grid is too coarse ${since}: ${Math.round(100 * share)} % of the mass is where the density changes by a factor 3, ` +
        "or the potential by 2τ, from cell to cell. Take more cells."
      );
    case "shortened":
      return `A step of length timeStep would not lower the free energy as the flow does ${since}; it was cut into ${share} parts.`;
  }
}

/** The stationary law of a problem on its grid: the damped fixed point m ∝ exp(−(δF/δm(m) + U)/τ). */
export function* stationary(
  process: FokkerPlanckProcess,
  options: { damping: number | null; tolerance: number; iterations: number },
): Work<{ measure: Grid; residual: number; iterations: number; freeEnergy: FreeEnergy }> {
  const problem = discretise(process);
  const { masses, ...rest } = yield* stationaryCells({ ...problem, temperature: process.temperature }, options);
  return { measure: grid({ coordinates: "theta", edges: [...problem.cells.edges], masses }), ...rest };
}
