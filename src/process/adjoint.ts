// Covariances of linear observables of the fluctuation η, without sampling: the adjoint of its linear equation.      docs/fluctuations.md
//
//   p = ∇φ, χ = φ at the end;   going back a step   p_i ← p_i + dt Dv̄[p](θ_i),   χ_i ← χ_i − dt Σ_q m_q (ℓ''_q δf_q[p])·σ*(x_q; θ_i)
//
//   Cov(⟨η_T, φ_a⟩, ⟨η_T, φ_b⟩) = Cov_{μ⁰_0}(χ_a, χ_b) + nα dt Σ_steps Cov_{q ~ m}(g_a, g_b),
//   g_q = r_q·δf_q[p] − d_q Σ_i w_i ∇U(θ_i)·p_i
//
// Over s steps at once, with the state in their middle: p ← p + s dt Dv̄[p'], p' = p + ½ (s − 1) dt Dv̄[p], which is s steps but for
// O((s dt)³), and χ and g by p'. One sweep back serves all observables and times. The states of μ⁰ are kept where there is room, and made again in parts elsewhere.

import { BATCH_SLOTS, BATCH_WEIGHTS } from "../../assembly/layout";
import type { Engine } from "../engine/engine";
import { DivergenceError } from "../engine/errors";
import type { Memory } from "../engine/memory";
import { copyNetwork, type NetworkBlock } from "../model/blocks";
import type { LinearObservables } from "./linearObservables";
import type { MeanField } from "./meanField";

/** What is asked for. */
export interface AdjointOptions {
  /** dt */
  timeStep: number;
  /** Steps k at which observables are taken, ascending: times k dt. */
  steps: readonly number[];
  /** How many steps are gone back at once, at most. */
  every: number;
  /** w, of sum 1 */
  masses: Float64Array;
  /** nα; 0 for no noise of the gradients */
  level: number;
  /** Whether η_0 is that of independent neurons. */
  initial: boolean;
  /** Bytes of states of μ⁰ that are kept at most (128 MiB); beyond, they are kept in parts. */
  kept?: number;
  /** Called after each piece of work with the share done; may wait, or throw. */
  rest(fraction: number): Promise<void>;
}

/** Values at μ⁰ and covariances, [T, n] and [T, n, n]. */
export interface Covariances {
  mean: Float64Array;
  initial: Float64Array;
  gradient: Float64Array;
}

/** Unless the parts alone need more. */
const KEPT = 2 ** 27;

/**
 * Covariances of linear observables of η at several times.
 *
 * @param observables  of the field's network
 * @throws {DivergenceError} where μ⁰ or the linearisation is no longer finite
 */
export async function adjointCovariances(
  memory: Memory,
  engine: Engine,
  field: MeanField,
  observables: LinearObservables,
  options: AdjointOptions,
): Promise<Covariances> {
  const { timeStep, steps, every, masses, level, initial, rest } = options;
  const { network, linearised, atoms, outputs: K } = field;
  const { potential_f64, accumulate_f64 } = engine.kernels;
  const n = observables.size;
  const M = masses.length;
  const T = steps.length;
  const rows = atoms * K;
  const last = steps[T - 1]!;
  const result = {
    mean: new Float64Array(T * n),
    initial: new Float64Array(T * n * n),
    gradient: new Float64Array(T * n * n),
  };

  // the weights of a potential are −m ℓ'' δf, which stand elsewhere than those of the gradient
  const bent = memory.block(BATCH_SLOTS);
  memory.u8(bent, BATCH_SLOTS * 8).set(memory.u8(field.batch, BATCH_SLOTS * 8));
  memory.setInteger(bent, BATCH_WEIGHTS, linearised.tangent.weights);
  const change = memory.allocate(network.bytes);
  const chiBytes = Math.ceil(M / 4) * 32;
  const chiChange = memory.allocate(chiBytes);
  const share = memory.reserve("f64", network.length);
  const numbersOf = (block: number): Float64Array => {
    engine.kernels.exportTheta_f64(block, share);
    return memory.f64(share, network.length).slice();
  };

  const directions: { p: NetworkBlock; chi: number }[][] = steps.map(() => []);
  const states = trajectory(memory, engine, field, { timeStep, last, kept: options.kept ?? KEPT });
  const middle = every > 1 ? copyNetwork(memory, network) : null;
  const total = 2 * last + (last / every) * n * T * (every > 1 ? 5 : 3);
  let done = 0;
  const spent = (work: number) => rest(total > 0 ? Math.min(1, (done += work) / total) : 1);

  let active = T;
  for (let k = last; ; ) {
    while (active > 0 && steps[active - 1] === k) {
      await states.load(k, spent);
      active--;
      result.mean.set(observables.values(network), active * n);
      for (let c = 0; c < n; c++) {
        const direction = { p: copyNetwork(memory, network), chi: memory.allocate(chiBytes) };
        observables.end(network, c, direction.p, direction.chi);
        directions[active]!.push(direction);
        await spent(0);
      }
    }
    if (k === 0) break;
    const most = Math.min(every, k - (active > 0 ? steps[active - 1]! : 0));
    // an odd number of steps has a state in its middle
    const s = most - ((most + 1) % 2);
    await goBack(k - s, s);
    k -= s;
  }
  if (initial) {
    for (let t = 0; t < T; t++) {
      const chi = directions[t]!.map((direction) => memory.f64(direction.chi, M).slice());
      addCovariance(result.initial, t * n * n, n, chi, masses, 1);
    }
  }
  return result;

  // s steps back, to step `to`
  async function goBack(to: number, s: number): Promise<void> {
    const k = to + ((s - 1) >> 1);
    await states.load(k, spent);
    if (!field.weigh(network)) throw lost(k, timeStep);
    const pull = level > 0 && field.decays ? pullOf() : null;
    for (let t = active; t < T; t++) {
      const g: Float64Array[] = [];
      for (const direction of directions[t]!) {
        let p = direction.p;
        if (middle && s > 1) {
          linearised.derivative(network, p, change);
          memory.u8(middle.weights, network.bytes).set(memory.u8(p.weights, network.bytes));
          accumulate_f64(middle.weights, 0.5 * (s - 1) * timeStep, change, network.bytes);
          p = middle;
        }
        const df = linearised.responses(network, p);
        if (!df.every(Number.isFinite)) throw lost(k, timeStep);
        if (level > 0) g.push(gradients(df, pull, p));
        linearised.bend();
        linearised.push(network, p, change);
        if (initial) {
          potential_f64(network.block, bent, chiChange);
          accumulate_f64(direction.chi, s * timeStep, chiChange, chiBytes);
        }
        accumulate_f64(direction.p.weights, s * timeStep, change, network.bytes);
        await spent(s > 1 ? 5 : 3);
      }
      addCovariance(result.gradient, t * n * n, n, g, field.masses, level * s * timeStep);
    }
  }

  // −w ∇U at all points
  function pullOf(): Float64Array {
    const slopes = numbersOf(field.pull(network).block);
    const D = Math.floor(slopes.length / M);
    for (let i = 0; i < M; i++) for (let j = 0; j < D; j++) slopes[i * D + j]! *= masses[i]!;
    return slopes.fill(0, M * D);
  }

  function gradients(df: Float64Array, pull: Float64Array | null, p: NetworkBlock): Float64Array {
    const c = memory.f64(field.weights, rows);
    const g = new Float64Array(atoms);
    for (let i = 0; i < rows; i++) g[(i / K) | 0]! += c[i]! * df[i]!;
    for (let q = 0; q < atoms; q++) if (field.masses[q]! > 0) g[q]! /= field.masses[q]!;
    if (!pull) return g;
    let along = 0;
    numbersOf(p.block).forEach((x, i) => void (along += x * pull[i]!));
    for (let q = 0; q < atoms; q++) g[q]! += field.decays![q]! * along;
    return g;
  }
}

function lost(k: number, timeStep: number): DivergenceError {
  const reason =
    "the mean-field limit or its linearisation is no longer finite. Take a smaller timeStep, or earlier times.";
  return new DivergenceError("fluctuations", k, k * timeStep, reason, null);
}

// out += factor · Cov of rows under weights of sum 1, about their means.
function addCovariance(
  out: Float64Array,
  at: number,
  n: number,
  rows: readonly Float64Array[],
  weights: Float64Array,
  factor: number,
): void {
  const centred = rows.map((row) => {
    let mean = 0;
    for (let i = 0; i < row.length; i++) mean += weights[i]! * row[i]!;
    return row.map((x) => x - mean);
  });
  for (let a = 0; a < rows.length; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i]! * centred[a]![i]! * centred[b]![i]!;
      out[at + a * n + b]! += factor * sum;
      if (a !== b) out[at + b * n + a]! += factor * sum;
    }
  }
}

interface States {
  /** Puts state k of μ⁰ into the network; k falls from call to call. */
  load(k: number, spent: (work: number) => Promise<void>): Promise<void>;
}

// States at the beginnings of parts, and those of one part.
function trajectory(
  memory: Memory,
  engine: Engine,
  field: MeanField,
  { timeStep, last, kept: room }: { timeStep: number; last: number; kept: number },
): States {
  const { network } = field;
  const { bytes } = network;
  const whole = (last + 1) * bytes <= room;
  const part = whole ? last + 1 : Math.ceil(Math.sqrt(last + 1));
  const starts: Uint8Array[] = [];
  let kept: Uint8Array[] = [];
  let from = -1;
  const take = () => memory.u8(network.weights, bytes).slice();
  const put = (state: Uint8Array) => memory.u8(network.weights, bytes).set(state);
  const step = (k: number) => {
    const velocity = field.velocity(network);
    if (velocity === null) throw lost(k, timeStep);
    engine.kernels.accumulate_f64(network.weights, timeStep, velocity, bytes);
  };
  return {
    async load(k, spent) {
      if (starts.length === 0) {
        for (let j = 0; j <= last; j++) {
          if (j % part === 0) starts.push(take());
          if (whole) kept.push(take());
          if (j < last) step(j);
          await spent(2);
        }
        from = whole ? 0 : -1;
      }
      const begin = k - (k % part);
      if (begin !== from) {
        put(starts[begin / part]!);
        kept = [take()];
        for (let j = begin; j < k; j++) {
          step(j);
          kept.push(take());
          await spent(0);
        }
        from = begin;
      }
      put(kept[k - from]!);
    },
  };
}

/** Bytes of states that a sweep keeps. */
export function trajectoryBytes(last: number, stateBytes: number): number {
  if ((last + 1) * stateBytes <= KEPT) return (last + 1) * stateBytes;
  return 2 * Math.ceil(Math.sqrt(last + 1)) * stateBytes;
}
