// Kernels of two inputs, as plain JSON: radial ones, and those of infinitely wide two-layer networks.                  theory §9

import type { Activation } from "../model/activation";

/** k(x, x') = exp(−|x − x'|²/(2ℓ²)). */
export interface RbfKernel {
  kind: "rbf";
  /** ℓ, in units of x */
  lengthScale: number;
}

/** Matérn's kernel of smoothness ν, in r = |x − x'|/ℓ: e^{−r}, (1 + √3 r) e^{−√3 r}, (1 + √5 r + 5r²/3) e^{−√5 r}. */
export interface MaternKernel {
  kind: "matern";
  /** ν: ½, 3/2 or 5/2 */
  smoothness: 0.5 | 1.5 | 2.5;
  /** ℓ, in units of x */
  lengthScale: number;
}

/** Cho and Saul's J_n(θ) |x|ⁿ |x'|ⁿ/π with θ the angle between x and x': J_0 = π − θ, J_1 = sin θ + (π − θ) cos θ. */
export interface ArcCosineKernel {
  kind: "arcCosine";
  /** n */
  degree: 0 | 1;
}

/** E erf(u) erf(u') with u = ⟨w, x⟩ + b, w ~ N(0, v_w I), b ~ N(0, v_b): (2/π) arcsin(2κ/√((1 + 2s²)(1 + 2s'²))). */
export interface ErfKernel {
  kind: "erf";
  /** v_w, variance of each weight; not divided by d */
  weightVariance: number;
  /** v_b */
  biasVariance: number;
}

/** The law of an infinitely wide network at its start: w ~ N(0, I v_w/d), b ~ N(0, v_b), E a² = v_a. */
interface WideNetwork {
  activation: Activation;
  /** v_w */
  weightVariance: number;
  /** v_b */
  biasVariance: number;
  /** v_a */
  outputVariance: number;
}

/** k(x, x') = v_a E σ(u) σ(u'), the covariance of f = N^{−½} Σ a σ(⟨w, x⟩ + b) at the start. */
export interface NngpKernel extends WideNetwork {
  kind: "nngp";
}

/** Θ(x, x') = E σ(u) σ(u') + v_a (⟨x, x'⟩ + 1 where b is trained) E σ'(u) σ'(u'), the tangent kernel of the same network. */
export interface NtkKernel extends WideNetwork {
  kind: "ntk";
  /** whether b moves */
  trainBias: boolean;
}

/** A kernel, as plain JSON. */
export type Kernel = RbfKernel | MaternKernel | ArcCosineKernel | ErfKernel | NngpKernel | NtkKernel;

/** What a wide network's kernel leaves out. */
type WideOptions = Partial<Omit<WideNetwork, "activation">>;

/**
 * The kernel exp(−|x − x'|²/(2ℓ²)).
 *
 * @param lengthScale  ℓ, positive; checked where the kernel is used, as all kernels are
 */
export function rbf(lengthScale: number): RbfKernel {
  return { kind: "rbf", lengthScale };
}

/**
 * Matérn's kernel, of paths that are ν − ½ times differentiable.
 *
 * @param smoothness   ν: 0.5, 1.5 or 2.5
 * @param lengthScale  ℓ, positive
 */
export function matern(smoothness: MaternKernel["smoothness"], lengthScale: number): MaternKernel {
  return { kind: "matern", smoothness, lengthScale };
}

/**
 * The arc-cosine kernel: 2 E of the products of two steps (degree 0) or of two rectified numbers (degree 1) of ⟨w, x⟩, w ~ N(0, I). An
 * input 0 has a step of ½, so degree 0 is ½ between it and any input, and degree 1 is 0.
 *
 * @param degree  0 or 1
 * @see Cho, Saul, Advances in Neural Information Processing Systems 22 (2009)
 */
export function arcCosine(degree: ArcCosineKernel["degree"]): ArcCosineKernel {
  return { kind: "arcCosine", degree };
}

/**
 * The kernel E erf(u) erf(u') of u = ⟨w, x⟩ + b.
 *
 * @param options  weightVariance: v_w, of each weight, not divided by d (1); biasVariance: v_b (0)
 * @see Williams, Advances in Neural Information Processing Systems 9 (1996)
 */
export function erfKernel(options: { weightVariance?: number; biasVariance?: number } = {}): ErfKernel {
  return { kind: "erf", weightVariance: 1, biasVariance: 0, ...options };
}

/**
 * The covariance of an infinitely wide network at its start, E a² E σ(u) σ(u').
 *
 * @param activation  σ
 * @param options     weightVariance: v_w, w ~ N(0, I v_w/d) (1); biasVariance: v_b (0); outputVariance: E a² (1)
 * @see theory §9
 */
export function nngp(activation: Activation, options: WideOptions = {}): NngpKernel {
  return { kind: "nngp", activation, weightVariance: 1, biasVariance: 0, outputVariance: 1, ...options };
}

/**
 * The neural tangent kernel of an infinitely wide network, E σ(u) σ(u') + E a² (⟨x, x'⟩ + 1_b) E σ'(u) σ'(u').
 *
 * @param activation  σ
 * @param options     those of `nngp`; trainBias: whether b moves, which adds the 1 (false)
 * @see Jacot, Gabriel, Hongler, Advances in Neural Information Processing Systems 31 (2018); theory §9
 */
export function ntk(activation: Activation, options: WideOptions & { trainBias?: boolean } = {}): NtkKernel {
  return {
    kind: "ntk",
    activation,
    weightVariance: 1,
    biasVariance: 0,
    outputVariance: 1,
    trainBias: false,
    ...options,
  };
}
