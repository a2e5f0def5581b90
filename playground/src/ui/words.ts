// What the choices are called on the page.

import type { LimitKind, NetworkKind, ProblemName } from "../experiment";
import type { Picture } from "../state/store";

export const problemNames: Record<ProblemName, string> = {
  gaussians: "two Gaussians",
  teacher: "a teacher network",
  peaks: "MATLAB’s peaks",
  sine: "a sine, 16 points",
  file: "a file",
};

export const problemNotes: Record<ProblemName, string> = {
  gaussians:
    "Two centred Gaussians that differ in scale alone, (1 ± Δ): label +1 for the wide one, −1 for the narrow one. Each step sees a fresh example. Mei, Montanari & Nguyen 2018, figure 1.",
  teacher: "A small network labels Gaussian inputs; the wide one has to find it. Each step sees a fresh example.",
  peaks: "Points of a square in five classes of height of MATLAB’s surface; softmax cross-entropy.",
  sine: "y = sin 2x at 16 points, learnt by gradient descent with all of them at each step. Small enough to see the whole Hessian.",
  file: "What was dropped on the page. It stays in this page, and no link holds it.",
};

export const networkNames: Record<NetworkKind, string> = {
  sgd: "SGD",
  gradientDescent: "gradient descent",
  adam: "Adam",
  langevin: "Langevin dynamics",
};

export const limitNames: Record<LimitKind, string> = {
  none: "nothing",
  radialFlow: "the radial PDE",
  gradientFlow: "the gradient flow",
  nonlinear: "nonlinear dynamics",
  modifiedFlow: "the stochastic modified flow",
  fokkerPlanck: "the Fokker–Planck equation",
};

export const pictureNames: Record<Picture, string> = {
  law: "Law of a coordinate",
  cloud: "Neurons over the limit’s density",
  risk: "Risk",
  decision: "Decision boundary",
  sharpness: "Sharpness and 2/ε",
};

/** Names of activations that say more than their kind. */
export const activationNames: Readonly<Record<string, string>> = {
  figure1: "piecewise linear, figure 1",
  figure2: "piecewise linear, figure 2",
  leakyRelu: "leaky relu",
  truncatedRelu: "truncated relu",
};
