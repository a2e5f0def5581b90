// The processes by kind. A new process is one new file, and one line here.

import type { ProcessModule } from "./process";
import type { Process } from "./schema";

/** Loads the file of a kind of process; a page loads only those it runs. */
export const registry: { [K in Process["kind"]]: () => Promise<ProcessModule<Extract<Process, { kind: K }>>> } = {
  sgd: () => import("./sgd"),
  gradientDescent: () => import("./langevin"),
  langevin: () => import("./langevin"),
  gradientFlow: () => import("./gradientFlow"),
  nonlinear: () => import("./nonlinear"),
  radialFlow: () => import("./radialFlow"),
  fokkerPlanck: () => import("./fokkerPlanck"),
  modifiedFlow: () => import("./modifiedFlow"),
  correlatedNoise: () => import("./correlatedNoise"),
  smfeGrid: () => import("./smfeGrid"),
  fluctuations: () => import("./fluctuations"),
  adam: () => import("./adam"),
};
