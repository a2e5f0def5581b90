// Networks of growing width at their start, f = N^−½ Σ σ*(x; θ_i), against the infinitely wide one.                   theory §9; docs/lazy.md
//
//   K_N = N⁻¹ Σ_i ∇σ*(x; θ_i)·∇σ*(x'; θ_i) → Θ,      |∇²f| = O(N^−½),      |δθ*|² = rᵀ K_N⁻¹ r,  r = y − f_0,  is O(1)

import { loadEngine } from "../engine/engine";
import { SpecError } from "../engine/errors";
import type { Backend } from "../engine/kernels";
import { pause } from "../engine/pause";
import { gram } from "../kernel/gram";
import { tangentGram } from "../kernel/tangentGram";
import { networkPredictions } from "../measure/predictions";
import { isSmooth } from "../model/activation";
import { startParticles } from "../model/particles";
import { type ProblemInput, parseProblem } from "../model/problem";
import { symmetricEigen } from "../model/symmetricEigen";
import { networkMeasure } from "../process/steps";
import { hessianNorm } from "./lazy/hessianNorm";
import { limitKernels } from "./lazy/limitKernel";
import { readFields, readInteger } from "./objective/options";

/** What `widthStudy` is asked for. */
export interface WidthOptions {
  /** N, several of them. */
  neurons: readonly number[];
  /** Number of replicas (1). */
  replicas?: number;
  /** Of the starts (0). */
  seed?: number;
  /** First replica (0). */
  replica?: number;
  signal?: AbortSignal | undefined;
  /** Called as it goes on, with the share done. */
  onProgress?: ((progress: { fraction: number }) => void) | undefined;
  /** Build of the kernels. */
  backend?: Backend | undefined;
}

/** Networks of one width. */
export interface WidthPoint {
  /** N */
  neurons: number;
  /** K_N of each replica, [n, n]. */
  kernels: Float64Array[];
  /** Eigenvalues of K_N of each replica, largest first. */
  eigenvalues: Float64Array[];
  /** |K_N − Θ|_F / |Θ|_F of each replica. */
  distance: Float64Array;
  /** |∇²f(x_q)|₂ at each input, [n], of each replica; null where σ has no second derivative. */
  hessianNorms: Float64Array[] | null;
  /** |δθ*| of each replica: the shortest step that fits the labels in the linearised network; NaN where K_N is singular to round-off. */
  stepNorm: Float64Array;
}

/** Networks over width, and their limit. */
export interface WidthStudy {
  limit: {
    /** Θ, [n, n] */
    kernel: Float64Array;
    /** Of Θ, largest first. */
    eigenvalues: Float64Array;
    /** (E |δθ*|²)^½ in the limit: yᵀ Θ⁻¹ y + tr Θ⁻¹ Σ with Σ the covariance of f_0; NaN where Θ is singular to round-off. */
    stepNorm: number;
  };
  points: WidthPoint[];
}

const MOST_INPUTS = 1000;

/** @see onDemand.ts */
export async function widthStudy(input: ProblemInput, options: WidthOptions): Promise<WidthStudy> {
  const problem = parseProblem(input);
  const { law, loss, unit } = problem;
  if (law.kind !== "dataset")
    throw new SpecError("problem.law.kind", law.kind, '"dataset": a kernel is one of finitely many inputs');
  if (loss !== "squared") throw new SpecError("problem.loss", loss, '"squared", as the step fits the labels');
  const n = law.x.shape[0]!;
  if (n > MOST_INPUTS) {
    const remedy = "tangentGram and lanczos take more.";
    throw new SpecError("problem.law.x", `${n} inputs`, `at most ${MOST_INPUTS}, as all eigenvalues are found`, remedy);
  }
  const kernels = limitKernels(problem);
  const { neurons, replicas, seed, replica, signal, onProgress, backend } = read(options);
  const y = law.y.data;
  const theta = (await gram(kernels.ntk, law.x, null, { signal })).values;
  const start = (await gram(kernels.nngp, law.x, null, { signal })).values;
  const limit = symmetricEigen(theta, n);
  const engine = await loadEngine({ backend });

  const points: WidthPoint[] = [];
  const work = neurons.reduce((sum, N) => sum + N * replicas, 0);
  let done = 0;
  for (const N of neurons) {
    const point: WidthPoint = {
      neurons: N,
      kernels: [],
      eigenvalues: [],
      distance: new Float64Array(replicas),
      hessianNorms: isSmooth(unit.activation) ? [] : null,
      stepNorm: new Float64Array(replicas),
    };
    for (let r = 0; r < replicas; r++) {
      signal?.throwIfAborted();
      const values = startParticles(problem, N, { seed, replica: replica + r });
      const network = networkMeasure(problem, N, values);
      const kernel = (await tangentGram(problem, network, law.x, null, { signal, backend })).values;
      const eigen = symmetricEigen(kernel, n);
      // the library's f is a mean; N^−½ Σ is √N times that, and so is its Hessian
      const root = Math.sqrt(N);
      const f = networkPredictions(network, problem, engine, law.x.data, n);
      point.kernels.push(kernel);
      point.eigenvalues.push(eigen.values.slice().reverse());
      point.distance[r] = distance(kernel, theta);
      point.stepNorm[r] = Math.sqrt(
        inverseForm(
          eigen,
          f.map((value, q) => y[q]! - root * value),
        ),
      );
      point.hessianNorms?.push(hessianNorm(problem, network, engine, law.x).values.map((value) => root * value));
      done += N;
      onProgress?.({ fraction: done / work });
      await pause();
    }
    points.push(point);
  }
  return {
    limit: {
      kernel: theta,
      eigenvalues: limit.values.slice().reverse(),
      stepNorm: Math.sqrt(inverseForm(limit, y) + inverseTrace(limit, start)),
    },
    points,
  };
}

interface Eigen {
  values: Float64Array;
  vectors: Float64Array;
}

// rᵀ K⁻¹ r = Σ_k ⟨v_k, r⟩²/λ_k
function inverseForm(eigen: Eigen, r: Float64Array): number {
  const n = r.length;
  return overSpectrum(eigen, (k) => {
    let inner = 0;
    for (let i = 0; i < n; i++) inner += eigen.vectors[i * n + k]! * r[i]!;
    return inner * inner;
  });
}

// tr K⁻¹ S = Σ_k v_kᵀ S v_k / λ_k
function inverseTrace(eigen: Eigen, S: Float64Array): number {
  const n = eigen.values.length;
  return overSpectrum(eigen, (k) => {
    let sum = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) sum += eigen.vectors[i * n + k]! * S[i * n + j]! * eigen.vectors[j * n + k]!;
    }
    return sum;
  });
}

function overSpectrum({ values }: Eigen, of: (k: number) => number): number {
  const n = values.length;
  if (!(values[0]! > 8 * n * Number.EPSILON * values[n - 1]!)) return Number.NaN;
  let sum = 0;
  for (let k = 0; k < n; k++) sum += of(k) / values[k]!;
  return sum;
}

function distance(a: Float64Array, b: Float64Array): number {
  let gap = 0;
  let size = 0;
  for (let i = 0; i < a.length; i++) {
    gap += (a[i]! - b[i]!) * (a[i]! - b[i]!);
    size += b[i]! * b[i]!;
  }
  return Math.sqrt(gap / size);
}

function read(options: WidthOptions) {
  const names = ["neurons", "replicas", "seed", "replica", "signal", "onProgress", "backend"] as const;
  const {
    neurons,
    replicas = 1,
    seed = 0,
    replica = 0,
    signal,
    onProgress,
    backend,
  } = readFields(options, "options", names);
  if (!Array.isArray(neurons) || neurons.length === 0) throw new SpecError("neurons", neurons, "a list of widths");
  const most = readInteger(replicas, "replicas", 1, 10000);
  return {
    neurons: neurons.map((N, i) => readInteger(N, `neurons[${i}]`, 1, 16777216)),
    replicas: most,
    seed: readInteger(seed, "seed", 0, Number.MAX_SAFE_INTEGER),
    replica: readInteger(replica, "replica", 0, 4294967296 - most),
    signal,
    onProgress,
    backend,
  };
}
