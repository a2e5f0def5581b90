// The data noise of a process on cells: its stream in kernel memory, and the memory given back.

import type { Engine } from "../../engine/engine";
import { dataNoise, type NoiseKey } from "../dataNoise";
import type { GridFlowSpec } from "./flow";

/**
 * The noise of a finite law; null where it is switched off.
 *
 * @param masses  m_q
 * @param level   what multiplies ΔB_q/√m_q − Σ_p √m_p ΔB_p
 */
export function lineNoise(
  process: NoiseKey & { gradientNoise: boolean },
  engine: Engine,
  masses: Float64Array,
  level: number,
): { noise: GridFlowSpec["noise"]; free(): void } {
  if (!process.gradientNoise) return { noise: null, free: () => {} };
  const memory = engine.memory();
  try {
    const { factors } = dataNoise(engine, memory, masses, process);
    return { noise: { level, factors }, free: () => memory.free() };
  } catch (error) {
    memory.free();
    throw error;
  }
}
