// Specifications of processes: the factories that users call, and the checks that come before anything is allocated.

import { SpecError } from "../engine/errors";
import { isInfinite, lawDimension } from "../model/law";
import { type Problem, type ProblemInput, problemSchema, radialAxes } from "../model/problem";
import {
  choice,
  either,
  flag,
  integer,
  kind,
  list,
  number,
  object,
  oneOf,
  optional,
  orNull,
  parseSpec,
  refined,
  type Schema,
  seed,
} from "../model/spec";
import type { RadiusLaw, Start } from "../model/start";
import type { TensorLike } from "../model/tensor";
import { parameterDimension } from "../model/unit";
import { type AdamProcess, adamSchema } from "./adamSchema";
import {
  type CorrelatedNoiseProcess,
  checkCorrection,
  correctionSchema,
  correlatedNoiseSchema,
  type FluctuationsProcess,
  fluctuationsSchema,
  type ModifiedFlowProcess,
  modifiedFlowSchema,
  type SmfeGridProcess,
  smfeGridSchema,
} from "./fluctuationSchema";
import {
  anyGradient,
  ascendingTimes,
  type Correction,
  checkBatch,
  checkGradient,
  checkMemory,
  checkNetworkMemory,
  checkParticles,
  defaultGradient,
  examplesOf,
  momentum,
  positive,
  random,
  replica,
  type Schedule,
  sameSpec,
  schedule,
  temperature,
  walls,
  withAnyGradient,
  withGradient,
} from "./schemaParts";

export type { AdamProcess } from "./adamSchema";
export type {
  CorrelatedNoiseProcess,
  FluctuationsProcess,
  ModifiedFlowProcess,
  SmfeGridProcess,
} from "./fluctuationSchema";
export type { Correction, Schedule } from "./schemaParts";

/** Stochastic gradient descent, as plain JSON. */
export interface SgdProcess {
  kind: "sgd";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** examples a step */
  batchSize: number;
  schedule: Schedule;
  /** of a finite law: examples drawn independently, or each once an epoch in a fresh order */
  replacement: boolean;
  /** τ: a step gains √(2τε) g */
  temperature: number;
  /** μ of the heavy ball: u ← μ u + r ∇σ* − ∇U, θ ← θ + ε u */
  momentum: number;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

/** Gradient descent, as plain JSON. */
export interface GradientDescentProcess {
  kind: "gradientDescent";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** over all atoms of a finite law, or over the law itself */
  gradient: "full" | "population";
  /** of a quadrature of the law; null takes the exact population gradient where there is one */
  points: number | null;
  schedule: Schedule;
  /** μ of the heavy ball */
  momentum: number;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

/** Langevin dynamics in steps, as plain JSON. */
export interface LangevinProcess {
  kind: "langevin";
  problem: Problem;
  /** N */
  neurons: number;
  /** ε */
  stepSize: number;
  /** τ */
  temperature: number;
  /** over all atoms of a finite law, over a batch drawn at each step, or over the law itself */
  gradient: "full" | "batch" | "population";
  /** of a quadrature of the law; null takes the exact population gradient where there is one */
  points: number | null;
  batchSize: number;
  replacement: boolean;
  schedule: Schedule;
  precision: "f32" | "f64";
  seed: number;
  replica: number;
}

/** Particle dynamics: the gradient flow of a network of N neurons, as plain JSON. */
export interface GradientFlowProcess {
  kind: "gradientFlow";
  problem: Problem;
  /** N */
  neurons: number;
  gradient: "full" | "population";
  points: number | null;
  /** adaptive Dormand–Prince 5(4), or classical Runge–Kutta of fixed step */
  method: "dormandPrince" | "rungeKutta";
  /** Dormand–Prince: error allowed in a step, of each parameter, relative to 1 + its size */
  tolerance: number | null;
  /** Runge–Kutta: length of a step */
  timeStep: number | null;
  schedule: Schedule;
  /** the flow of the modified loss of such steps, in place of that of the loss */
  correction?: Correction;
  seed: number;
  replica: number;
}

/** Nonlinear dynamics: particles that move in the field of the limit, not in their own, as plain JSON. */
export interface NonlinearProcess {
  kind: "nonlinear";
  problem: Problem;
  /** N */
  neurons: number;
  /** what drives the particles: the radial flow, or a far larger particle system with a seed of its own */
  limit: RadialFlowProcess | GradientFlowProcess;
  seed: number;
  replica: number;
}

/** The radial flow, as plain JSON; null is the solver's own choice. */
export interface RadialFlowProcess {
  kind: "radialFlow";
  problem: Problem;
  method: "characteristics" | "grid";
  /** grid: cells along one radius */
  cells: number | null;
  /** grid: outer wall of each radius */
  rMax: number | null;
  /** error allowed in a step and in the series, relative */
  tolerance: number | null;
  /** characteristics: number of particles */
  particles: number | null;
  /** of the Hermite series of the potential */
  degree: number | null;
  /** largest time step */
  maxStep: number | null;
}

/** The Fokker–Planck equation on a grid in one or two parameters, as plain JSON; null is the solver's own choice. */
export interface FokkerPlanckProcess {
  kind: "fokkerPlanck";
  problem: Problem;
  /** τ */
  temperature: number;
  /** cells along each parameter */
  cells: number | null;
  /** walls of each parameter */
  box: [number, number][] | null;
  /** error allowed in a step, in total mass moved */
  tolerance: number | null;
  /** largest time step */
  maxStep: number | null;
  /** length of all steps, in place of the two above */
  timeStep: number | null;
}

/** A process, as plain JSON. */
export type Process =
  | SgdProcess
  | GradientDescentProcess
  | LangevinProcess
  | GradientFlowProcess
  | NonlinearProcess
  | RadialFlowProcess
  | FokkerPlanckProcess
  | ModifiedFlowProcess
  | CorrelatedNoiseProcess
  | SmfeGridProcess
  | FluctuationsProcess
  | AdamProcess;

/**
 * Stochastic gradient descent on a two-layer network, θ ← θ + ε (r ∇σ* − ∇U) + √(2τε) g, r = −∂ℓ/∂f.
 *
 * @param problem  law, unit, start, loss and confinement U
 * @param options  neurons: N; stepSize: ε (time advances by ε a step); batchSize: examples a step (1); schedule: ξ (1);
 *                 replacement: for a finite law, draw each example independently (true) or each once an epoch;
 *                 temperature: τ (0); momentum: μ of the heavy ball u ← μ u + r ∇σ* − ∇U, θ ← θ + ε u, without noise (0);
 *                 precision: "f64" or "f32"; seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, eq. (2); theory §3
 */
export function sgd(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<SgdProcess, "kind" | "problem">>,
): SgdProcess {
  return parseProcess({ kind: "sgd", problem, ...options }) as SgdProcess;
}

/**
 * Gradient descent on a two-layer network, θ_i ← θ_i − ε (∇Ψ(θ_i; ρ_N) + ∇U(θ_i)).
 *
 * @param problem  law, unit, start, loss and confinement U
 * @param options  neurons: N; stepSize: ε; gradient: "full" (over the atoms of a finite law, its default) or "population" (over
 *                 the law itself, the default elsewhere: exact where there is a formula, else by quadrature); points: of a
 *                 quadrature of the law; schedule: ξ (1); momentum: μ of the heavy ball, as in `sgd` (0); precision: "f64" or "f32";
 *                 seed, replica: of the start (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, section 4 (GD); theory §2, §6
 */
export function gradientDescent(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<GradientDescentProcess, "kind" | "problem">>,
): GradientDescentProcess {
  return parseProcess({ kind: "gradientDescent", problem, ...options }) as GradientDescentProcess;
}

/**
 * (Mean-field) Langevin dynamics in steps, θ_i ← θ_i − ε (∇Ψ(θ_i; ρ_N) + ∇U(θ_i)) + √(2τε) g_i.
 *
 * @param problem  law, unit, start, loss and confinement U; or `potentialProblem(potential, …)`, which has U alone
 * @param options  neurons: number of particles; stepSize: ε; temperature: τ = σ²/2; gradient: "full", "batch" or "population", as in
 *                 `gradientDescent`; batchSize, replacement: of a batch (1, true); the rest as in `sgd`
 * @throws {SpecError} with the path of the wrong field
 * @see Hu, Ren, Šiška, Szpruch, Ann. IHP 57 (2021); theory §7
 */
export function langevin(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number; temperature: number } & Partial<
    Omit<LangevinProcess, "kind" | "problem">
  >,
): LangevinProcess {
  return parseProcess({ kind: "langevin", problem, ...options }) as LangevinProcess;
}

/**
 * Particle dynamics: the gradient flow of a network of N neurons, θ_i' = −∇Ψ(θ_i; ρ_N) − ∇U(θ_i).
 *
 * @param problem  law, unit, start, loss and confinement U
 * @param options  neurons: N; gradient, points: as in `gradientDescent`; method: "dormandPrince" (adaptive, of order 5) with
 *                 tolerance: error allowed in a step, relative (1e-8), or "rungeKutta" (of order 4) with timeStep: its step, which does
 *                 not crawl where units of a kinked activation slide along a kink at an example, as they do on finite laws;
 *                 schedule: ξ (1); correction: { stepSize, sampling, batchSize }, for the flow of the modified loss that GD, sampling
 *                 "full", or the mean of SGD "withoutReplacement" in batches of batchSize (1), follows to second order in
 *                 stepSize (none); seed, replica: of the start (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, section 4 (PD); theory §2, §6, §11; docs/finiteSteps.md
 */
export function gradientFlow(
  problem: ProblemInput,
  options: { neurons: number } & Partial<Omit<GradientFlowProcess, "kind" | "problem" | "correction">> & {
      correction?: (Partial<Correction> & { stepSize: number }) | null;
    },
): GradientFlowProcess {
  return parseProcess({ kind: "gradientFlow", problem, ...options }) as GradientFlowProcess;
}

/**
 * Nonlinear dynamics: N independent particles θ_i' = −∇Ψ(θ_i; ρ_t) in the field of a limit ρ_t that they do not feel themselves in.
 *
 * @param problem  law, unit, start
 * @param options  neurons: N; limit: the process whose law ρ_t drives them, `radialFlow(…)` (characteristics or grid) for
 *                 anisotropic Gaussians, or `gradientFlow(…)` with far more neurons and another seed; seed, replica: of the start
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Misiakiewicz, Montanari, COLT 2019, section 4 (ND); theory §2, §6
 */
export function nonlinear(
  problem: ProblemInput,
  options: { neurons: number; limit: RadialFlowProcess | GradientFlowProcess } & Partial<
    Omit<NonlinearProcess, "kind" | "problem">
  >,
): NonlinearProcess {
  return parseProcess({ kind: "nonlinear", problem, ...options }) as NonlinearProcess;
}

/**
 * The mean-field limit of SGD for anisotropic Gaussians, ∂_t ρ̄ = ∇·(ρ̄ ∇Ψ̄) in the radii (r1, r2), or (a, b, r1, r2).
 *
 * @param problem  anisotropic Gaussians and a start that no rotation within the two spaces changes
 * @param options  method: "characteristics" (weighted particles) or "grid" (finite volumes; ridge units only); cells, rMax:
 *                 of the grid; particles: of the characteristics; tolerance, degree, maxStep: of the numerics (each chosen
 *                 by the solver where it is left out)
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Montanari, Nguyen, PNAS 2018, eq. (13); theory §5
 */
export function radialFlow(
  problem: ProblemInput,
  options: Partial<Omit<RadialFlowProcess, "kind" | "problem">> = {},
): RadialFlowProcess {
  return parseProcess({ kind: "radialFlow", problem, ...options }) as RadialFlowProcess;
}

/**
 * The Fokker–Planck equation ∂_t m = ∇·((∇Ψ(·; m) + ∇U) m + τ∇m) on a grid: the limit of noisy SGD and of mean-field Langevin
 * dynamics, and the gradient flow of the free energy 𝓕(m) = F(m) + ∫U dm + τ∫ m log m.
 *
 * @param problem  ridge units of one or two weights on a finite law, or `potentialProblem(…)` of dimension 1 or 2; the start
 *                 is Gaussian or a density on a grid
 * @param options  temperature: τ > 0; cells: along each parameter (2048 of one, 128 of each of two); box: [from, to] of each
 *                 parameter, or a list of two such pairs (the start and all places where the confinement lets mass go);
 *                 tolerance: L1 error of a step (1e-7), maxStep: bound on the steps; or timeStep: length of all steps
 * @throws {SpecError} with the path of the wrong field
 * @see Mei, Montanari, Nguyen, PNAS 2018, eq. (9); Hu, Ren, Šiška, Szpruch, Ann. IHP B 57 (2021); theory §7
 */
export function fokkerPlanck(
  problem: ProblemInput,
  options: { temperature: number; box?: [number, number] | [number, number][] | null } & Partial<
    Omit<FokkerPlanckProcess, "kind" | "problem" | "temperature" | "box">
  >,
): FokkerPlanckProcess {
  return parseProcess({ kind: "fokkerPlanck", problem, ...options }) as FokkerPlanckProcess;
}

/**
 * The stochastic modified flow of SGD, the SMFE by superposition: dX = v̄ dt + √α ∫G(X, μ, z) W(dz, dt), α = ε/B, with one noise
 * for all neurons. On a finite law it is θ_i ← θ_i + Σ_q c_q ∇σ*(x_q; θ_i), c_q = r_q (m_q dt + √α (√m_q ΔB_q − m_q Σ_p √m_p ΔB_p));
 * on a sampled law fresh examples with random factors make the noise.
 *
 * Schemes, with h = dt: "eulerMaruyama" has weak error O(h) and strong error O(h + α√h); "heun" takes the mean of the drift over
 * both ends of a step and of the noise along the drift: weak error O(h² + α² h), strong error O(h² + √α h + α√h). The equation itself
 * is off SGD's law by O(ε) in order 1 and by O(ε²) in order 2.
 *
 * @param problem  law, unit, start, loss and confinement U
 * @param options  neurons: N; stepSize, batchSize: ε and B of the SGD that is modelled (B 1); order: 1 or 2, the drift with its
 *                 correction −(ε/2) Dv̄[v̄]; method: as above ("eulerMaruyama"); timeStep: dt (ε); noiseStep: step of the Brownian
 *                 motions (dt), so that runs of several dt share them; carried: [n, D], further points that the flow moves and
 *                 that move nothing; gradient, points: of v̄, as in `gradientDescent`; examples: a step, of a sampled law (64);
 *                 schedule: ξ (1); precision: "f64" or "f32"; seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Gess, Kassing, Konarovskyi, JMLR 25 (2024); theory §2, §8; docs/superposition.md
 */
export function modifiedFlow(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<
    Omit<ModifiedFlowProcess, "kind" | "problem" | "carried">
  > & {
      carried?: TensorLike | null;
    },
): ModifiedFlowProcess {
  return parseProcess({ kind: "modifiedFlow", problem, ...options }) as ModifiedFlowProcess;
}

/**
 * Particles with correlated noise, dθ_i = v̄ dt + √α dB_i, d[B_i, B_j] = A(θ_i, θ_j) dt: the law of `modifiedFlow`, by a factorisation of
 * the covariance of all particles at each step.
 *
 * @param problem  a finite law, unit, start, loss and confinement
 * @param options  neurons: N; stepSize, batchSize: ε and B (1); timeStep: dt (ε); factorisation: "pivotedCholesky" (its cost goes
 *                 with the rank) or "eigen"; seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Rotskoff, Vanden-Eijnden, Comm. Pure Appl. Math. 75 (2022); theory §8
 */
export function correlatedNoise(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<CorrelatedNoiseProcess, "kind" | "problem">>,
): CorrelatedNoiseProcess {
  return parseProcess({ kind: "correlatedNoise", problem, ...options }) as CorrelatedNoiseProcess;
}

/**
 * The stochastic mean-field equation of one parameter, on a grid: dμ = (α/2) ∂²(Aμ) dt − ∂(v̄μ) dt − √α ∂∫Gμ W(dz, dt), by a
 * conservative remap along each step's flow.
 *
 * @param problem  ridge units of one weight on a finite law; the start is Gaussian or a density on a grid
 * @param options  stepSize, batchSize: ε and B (1); gradientNoise: false leaves the noise out; cells, box: of the grid; timeStep: dt
 *                 (ε); noiseStep: step of the Brownian motions (dt); seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see theory §8; docs/smfeGrid.md
 */
export function smfeGrid(
  problem: ProblemInput,
  options: { stepSize: number } & Partial<Omit<SmfeGridProcess, "kind" | "problem">>,
): SmfeGridProcess {
  return parseProcess({ kind: "smfeGrid", problem, ...options }) as SmfeGridProcess;
}

/**
 * The fluctuation η = √n (μ^n − μ⁰) of SGD about its mean-field limit in the limit of many neurons: the linear equation
 * dη = −∇·(v̄ η + ⟨δv̄/δμ, η⟩ μ⁰) dt − √(nα) ∇·∫G μ⁰ W(dz, dt), α = ε/B.
 *
 * @param problem  law, a unit with a second derivative, start, loss and confinement U
 * @param options  neurons: n; stepSize, batchSize: ε and B (1); method: "particles" (tangent particles) or "grid" (one
 *                 parameter); particles, reference: how many stand for μ⁰, and whether they are a quadrature of the start or
 *                 draws; cells, box: of the grid; initialNoise: "gaussian" (the default), "sample" (the fluctuation of the n
 *                 neurons that SGD of this seed starts from) or "none" (the default of given particles, which all SGD starts from);
 *                 gradientNoise: whether W acts (true); points: of a quadrature of the law;
 *                 timeStep: dt (ε); noiseStep: step of the Brownian motions (dt); seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Sirignano, Spiliopoulos, Stochastic Process. Appl. 130 (2020); theory §8; docs/fluctuations.md
 */
export function fluctuations(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<FluctuationsProcess, "kind" | "problem">>,
): FluctuationsProcess {
  return parseProcess({ kind: "fluctuations", problem, ...options }) as FluctuationsProcess;
}

/**
 * Adam on a two-layer network: θ ← θ + ε m̂/(√ŝ + ε̂), number by number, where m and s are running means of the velocity g = r ∇σ* − ∇U and of
 * its square, and hats take out the bias of their start at 0.
 *
 * The velocity is the library's, N times the negative gradient of E by θ_i; Adam does not feel such a factor but by ε̂, which counts as
 * N times that of an Adam on plain gradients. A step moves a parameter by about ε whatever its gradient, so t = kε is not the flow's time.
 *
 * @param problem  law, unit, start, loss and confinement U
 * @param options  neurons: N; stepSize: ε; beta1, beta2: of the means (0.9, 0.999); stabiliser: ε̂ > 0 (1e-8); gradient: "full", "batch" or
 *                 "population", as in `langevin`; batchSize, replacement: of a batch (1, true); points: of a quadrature of the law;
 *                 schedule: ξ (1); precision: "f64" or "f32"; seed, replica: which random numbers (0, 0)
 * @throws {SpecError} with the path of the wrong field
 * @see Kingma, Ba, ICLR 2015, algorithm 1; theory §12; docs/classification.md
 */
export function adam(
  problem: ProblemInput,
  options: { neurons: number; stepSize: number } & Partial<Omit<AdamProcess, "kind" | "problem">>,
): AdamProcess {
  return parseProcess({ kind: "adam", problem, ...options }) as AdamProcess;
}

const sgdSchema: Schema<SgdProcess> = refined(
  object("an SGD process", {
    kind: kind("sgd"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    stepSize: positive,
    batchSize: optional(integer(1, 2 ** 20), 1),
    schedule: optional(schedule, { kind: "constant" }),
    replacement: optional(flag, true),
    temperature: optional(temperature, 0),
    momentum: optional(momentum, 0),
    ...random,
  }),
  (process) => {
    const { problem, batchSize } = process;
    if (problem.law.kind === "none") {
      throw new SpecError(
        "problem.law.kind",
        "none",
        "a law with examples",
        "langevin moves in the confinement alone.",
      );
    }
    if (process.momentum > 0 && process.temperature > 0) {
      throw new SpecError("momentum", process.momentum, "0, as a step with noise has none");
    }
    checkParticles(process);
    checkBatch(process);
    checkNetworkMemory({ ...process, moments: memoryOf(process) }, { path: "batchSize", count: batchSize });
    return process;
  },
);

const gradientDescentSchema: Schema<GradientDescentProcess> = refined(
  object("gradient descent", {
    kind: kind("gradientDescent"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    stepSize: positive,
    gradient: optional(choice("full", "population")),
    points: orNull(integer(1, 2 ** 24)),
    schedule: optional(schedule, { kind: "constant" }),
    momentum: optional(momentum, 0),
    ...random,
  }),
  (process): GradientDescentProcess => {
    const gradient = process.gradient ?? defaultGradient(process.problem);
    checkParticles(process);
    checkGradient({ ...process, gradient });
    checkNetworkMemory({ ...process, moments: memoryOf(process) }, examplesOf({ ...process, gradient }));
    return withGradient(process, gradient);
  },
);

const langevinSchema: Schema<LangevinProcess> = refined(
  object("Langevin dynamics", {
    kind: kind("langevin"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    stepSize: positive,
    temperature,
    ...anyGradient,
    ...random,
  }),
  (process): LangevinProcess => withAnyGradient(process, 0),
);

const gradientFlowSchema: Schema<GradientFlowProcess> = refined(
  object("a gradient flow", {
    kind: kind("gradientFlow"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    gradient: optional(choice("full", "population")),
    points: orNull(integer(1, 2 ** 24)),
    method: optional(choice("dormandPrince", "rungeKutta"), "dormandPrince"),
    tolerance: orNull(number("a number in [1e-14, 0.1]", (x) => x >= 1e-14 && x <= 0.1)),
    timeStep: orNull(positive),
    schedule: optional(schedule, { kind: "constant" }),
    correction: orNull(correctionSchema),
    seed: optional(seed, 0),
    replica,
  }),
  ({ correction, ...process }): GradientFlowProcess => {
    const gradient = process.gradient ?? defaultGradient(process.problem);
    checkParticles(process);
    checkGradient({ ...process, gradient });
    const adaptive = process.method === "dormandPrince";
    if (adaptive && process.timeStep !== null) {
      throw new SpecError(
        "timeStep",
        process.timeStep,
        'nothing, as "dormandPrince" chooses its steps by the tolerance',
      );
    }
    if (!adaptive && process.timeStep === null) {
      throw new SpecError("timeStep", null, 'the length of a step, as the method is "rungeKutta"');
    }
    if (!adaptive && process.tolerance !== null) {
      throw new SpecError(
        "tolerance",
        process.tolerance,
        'nothing, as "rungeKutta" takes steps of the length timeStep',
      );
    }
    checkNetworkMemory({ ...process, precision: "f64" }, examplesOf({ ...process, gradient }));
    if (correction) checkCorrection({ ...process, gradient }, correction);
    // left out where there is none, as in specifications from before there was one
    return withGradient({ ...process, ...(correction && { correction }) }, gradient);
  },
);

const radialFlowSchema: Schema<RadialFlowProcess> = refined(
  object("a radial flow", {
    kind: kind("radialFlow"),
    problem: problemSchema,
    method: optional(choice("characteristics", "grid"), "characteristics"),
    cells: orNull(integer(8, 2 ** 24)),
    rMax: orNull(positive),
    tolerance: orNull(number("a number in [1e-14, 0.1]", (x) => x >= 1e-14 && x <= 0.1)),
    particles: orNull(integer(1, 2 ** 24)),
    degree: orNull(integer(2, 400)),
    maxStep: orNull(positive),
  }),
  (process) => {
    const { problem, method } = process;
    if (problem.law.kind !== "anisotropicGaussians") {
      throw new SpecError("problem.law.kind", problem.law.kind, '"anisotropicGaussians", whose flow is radial');
    }
    checkRadialProblem(problem);
    if (method === "grid") checkGrid(process);
    const foreign = method === "grid" ? (["particles"] as const) : (["cells", "rMax"] as const);
    for (const name of foreign) {
      if (process[name] !== null) {
        throw new SpecError(name, process[name], `nothing, as the method is "${method}"`);
      }
    }
    if (problem.start.kind === "particles" && process.particles !== null) {
      throw new SpecError("particles", process.particles, "nothing, as the start is given particles");
    }
    checkRadialMemory(process);
    return process;
  },
);

const nonlinearSchema: Schema<NonlinearProcess> = refined(
  object("nonlinear dynamics", {
    kind: kind("nonlinear"),
    problem: problemSchema,
    neurons: integer(1, 2 ** 24),
    limit: oneOf("radialFlow(…) or gradientFlow(…)", {
      radialFlow: radialFlowSchema,
      gradientFlow: gradientFlowSchema,
    }),
    seed: optional(seed, 0),
    replica,
  }),
  (process) => {
    const { problem, limit } = process;
    checkParticles(process);
    if (limit.kind === "gradientFlow" && limit.correction) {
      throw new SpecError("limit.correction", limit.correction, "none, as the limit is that of small steps");
    }
    for (const name of ["law", "unit", "loss", "confinement"] as const) {
      if (!sameSpec(limit.problem[name], problem[name])) {
        throw new SpecError(`limit.problem.${name}`, limit.problem[name], `the same as problem.${name}`);
      }
    }
    checkNetworkMemory(
      { ...process, precision: "f64" },
      limit.kind === "gradientFlow" ? examplesOf(limit) : { path: "limit", count: 0 },
    );
    return process;
  },
);

const fokkerPlanckSchema: Schema<FokkerPlanckProcess> = refined(
  object("a Fokker–Planck equation", {
    kind: kind("fokkerPlanck"),
    problem: problemSchema,
    temperature: number("a temperature τ > 0", (x) => x >= 0),
    cells: orNull(integer(8, 2 ** 16)),
    box: orNull(
      either<[number, number] | [number, number][]>("[from, to], or one such pair a parameter", (x) =>
        Array.isArray(x)
          ? x.length === 2 && typeof x[0] === "number"
            ? walls
            : list("a list of pairs [from, to]", walls)
          : null,
      ),
    ),
    tolerance: orNull(number("a number in [1e-12, 0.1]", (x) => x >= 1e-12 && x <= 0.1)),
    maxStep: orNull(positive),
    timeStep: orNull(positive),
  }),
  (process): FokkerPlanckProcess => {
    const { problem, temperature, timeStep } = process;
    const d = checkDensity(problem);
    if (temperature === 0) {
      throw new SpecError(
        "temperature",
        0,
        "a temperature τ > 0",
        "Without noise take gradientFlow, or radialFlow for anisotropic Gaussians.",
      );
    }
    const box = process.box as [number, number] | [number, number][] | null;
    const pairs = box && (typeof box[0] === "number" ? Array.from({ length: d }, () => box as [number, number]) : box);
    if (pairs && pairs.length !== d)
      throw new SpecError("box", box, `${d === 1 ? "one pair" : "two pairs"} [from, to]`);
    for (const name of ["tolerance", "maxStep"] as const) {
      if (timeStep !== null && process[name] !== null) {
        throw new SpecError(name, process[name], "nothing, as all steps have the length timeStep");
      }
    }
    checkCellMemory(process.cells, problem, d);
    return { ...process, box: pairs as [number, number][] | null };
  },
);

/** Schema of a process. */
export const processSchema: Schema<Process> = oneOf("a process", {
  sgd: sgdSchema,
  gradientDescent: gradientDescentSchema,
  langevin: langevinSchema,
  gradientFlow: gradientFlowSchema,
  nonlinear: nonlinearSchema,
  radialFlow: radialFlowSchema,
  fokkerPlanck: fokkerPlanckSchema,
  modifiedFlow: modifiedFlowSchema,
  correlatedNoise: correlatedNoiseSchema,
  smfeGrid: smfeGridSchema,
  fluctuations: fluctuationsSchema,
  adam: adamSchema,
});

/**
 * A process, checked and normalised: every default is filled in.
 *
 * @param value  anything
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong field
 */
export function parseProcess(value: unknown, path = "process"): Process {
  return parseSpec(processSchema, value, path);
}

/**
 * Save times, checked: finite, non-negative, ascending; at least one.
 *
 * @param value  a list or a Float64Array
 * @param path   where it stands
 * @throws {SpecError} with the path of the wrong time
 */
export function parseTimes(value: unknown, path = "times"): Float64Array {
  const listed = value instanceof Float64Array ? Array.from(value) : value;
  return Float64Array.from(parseSpec(ascendingTimes, listed, path));
}

// Arrays of the state's shape that a step remembers.
function memoryOf({ momentum }: { momentum: number }): number {
  return momentum > 0 ? 1 : 0;
}

// Each point carries its features, of which there are about (degree²/8) for two radii and both signs.
function checkRadialMemory({ problem, method, cells, particles, degree }: RadialFlowProcess): void {
  const axes = radialAxes(problem.law);
  const k = degree ?? 14;
  const features = axes === 1 ? 2 * k : Math.ceil((k * k) / 4) + 2 * k;
  const side = cells ?? 256;
  const points = method === "grid" ? (axes === 1 ? side : side * side) : (particles ?? 4096);
  const [path, found] = method === "grid" ? (["cells", cells] as const) : (["particles", particles] as const);
  checkMemory([{ path, found, bytes: 8 * points * (features + 16) }]);
}

// The radii close on themselves only where rotations change nothing: one output, squared loss, no confinement.
function checkRadialProblem({ unit, start, loss, confinement }: Problem): void {
  const remedy = "gradientFlow takes any problem, with particles.";
  if (loss !== "squared") throw new SpecError("problem.loss", loss, '"squared", as the flow is radial', remedy);
  if (confinement !== null)
    throw new SpecError("problem.confinement", confinement, "null, as the flow is radial", remedy);
  if (unit.kind === "affine") {
    if (unit.outputs !== 1)
      throw new SpecError("problem.unit.outputs", unit.outputs, "1, as the flow is radial", remedy);
    if (unit.outputBias) throw new SpecError("problem.unit.outputBias", true, "false, as the flow is radial", remedy);
  }
  if (start.kind === "normal" || start.kind === "grid") {
    throw new SpecError("problem.start.kind", start.kind, "gaussian({ radius }), radii or particles", remedy);
  }
}

function checkGrid({ problem }: RadialFlowProcess): void {
  const { law, unit } = problem;
  const start = problem.start as Exclude<Start, { kind: "normal" | "grid" }>;
  if (unit.kind !== "ridge") {
    throw new SpecError("method", "grid", '"characteristics", as an affine unit has four reduced coordinates');
  }
  const remedy = 'The method "characteristics" takes any start.';
  if (start.kind === "particles")
    throw new SpecError("problem.start.kind", start.kind, "a start with a density", remedy);
  if (start.kind === "gaussian") {
    if (!isInfinite(law)) return;
    throw new SpecError(
      "problem.start.kind",
      start.kind,
      "a start with a density, which a Gaussian in infinite dimension has not",
      remedy,
    );
  }
  for (const name of ["r1", "r2"] as const) {
    const radius: RadiusLaw | null = start[name];
    if (typeof radius === "number")
      throw new SpecError(`problem.start.${name}`, radius, "a law with a density", remedy);
  }
}

// A density on a grid: one or two parameters, examples that can be summed over, a start that is no set of points.
function checkDensity({ law, unit, start }: Problem): 1 | 2 {
  const remedy = "langevin takes any dimension, with particles.";
  if (unit.kind !== "ridge") {
    const D = isInfinite(law) ? "many" : parameterDimension(unit, lawDimension(law));
    const expected = `"ridge", as parameters (${unit.outputs > 1 ? "a_1 …" : "a"}, b, w) would take a grid of dimension ${D}`;
    throw new SpecError("problem.unit.kind", unit.kind, expected, remedy);
  }
  const d = isInfinite(law) ? Infinity : lawDimension(law);
  if (d > 2) {
    const path = law.kind === "dataset" ? "problem.law.x" : "problem.law.dimension";
    throw new SpecError(path, d, `one or two parameters a neuron, not a grid of dimension ${d}`, remedy);
  }
  if (law.kind !== "dataset" && law.kind !== "none") {
    const finite = "quadrature(law, { points }) makes it finite.";
    throw new SpecError("problem.law.kind", law.kind, '"dataset" or "none", whose energy is a sum', finite);
  }
  const point = start.kind === "normal" && (typeof start.w === "number" || start.w.deviation === 0);
  if (point || start.kind === "particles" || start.kind === "radii") {
    const density = "densityStart({ edges, masses }) takes any density.";
    const found = point ? start.w : start.kind;
    throw new SpecError(point ? "problem.start.w" : "problem.start.kind", found, "a start with a density", density);
  }
  return d as 1 | 2;
}

// A cell has its value of each feature, and about twenty numbers more.
function checkCellMemory(cells: number | null, { law }: Problem, d: 1 | 2): void {
  const side = cells ?? (d === 1 ? 2048 : 128);
  const features = law.kind === "dataset" ? law.x.shape[0]! : 0;
  checkMemory([{ path: "cells", found: cells, bytes: 8 * (d === 1 ? side : side * side) * (features + 24) }]);
}
