// Gradient descent and (mean-field) Langevin dynamics in steps of size ε.                                        theory §2, §7
//
//   θ_i ← θ_i − ε (∇Ψ(θ_i; ρ_N) + ∇U(θ_i)) + √(2τε) g_i              gradient descent: τ = 0, or with momentum
//
// ∇Ψ over all atoms of a finite law, over a batch of them, or over the law itself. Without examples it is Langevin dynamics in the
// potential U alone, whose law goes to Gibbs' exp(−U/τ).

import type { Engine } from "../engine/engine";
import { gradientSource } from "./descent";
import type { Simulation } from "./process";
import type { GradientDescentProcess, LangevinProcess } from "./schema";
import { stepped } from "./steps";

/** Allocates the particles and their start, and returns the simulation at step 0. */
export async function start(process: LangevinProcess | GradientDescentProcess, engine: Engine): Promise<Simulation> {
  const source = await gradientSource(process);
  if (process.kind === "langevin") return stepped(process, engine, { source, temperature: process.temperature });
  if (process.momentum === 0) return stepped(process, engine, { source });
  const { heavyBall, updated } = await import("./update");
  return updated(process, engine, source, heavyBall(engine, process.precision, process.momentum));
}
