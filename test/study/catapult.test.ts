// The catapult on f = u·v/√n, run by the library's own gradient descent: against reference numbers of a prototype in NumPy
// (flows.json), and against the recursion that f and λ obey, written out here.

import { describe, expect, it } from "vitest";
import { gradientDescent } from "../../src/process/schema";
import { catapult, catapultProblem } from "../../src/study/edge/catapult";
import { predictions } from "../../src/study/observables";
import { solve } from "../../src/study/solve";
import reference from "../reference/flows.json";

/** (f, λ) of n neurons: f' = f (1 − ηλ + η²f²/n), λ' = λ + (ηf²/n)(ηλ − 4). */
function recursion(rate: number, n: number, steps: number, f = 1, lambda = 2) {
  const loss = [(f * f) / 2];
  const kernel = [lambda];
  for (let k = 0; k < steps; k++) {
    const push = (rate * f * f) / n;
    [f, lambda] = [f * (1 - rate * lambda + rate * push), lambda + push * (rate * lambda - 4)];
    loss.push((f * f) / 2);
    kernel.push(lambda);
  }
  return { loss, kernel };
}

describe("the catapult", () => {
  it("has the reference's numbers at η = 1.2, and diverges at η = 2.1", async () => {
    const { runs } = await catapult({ neurons: 100, rates: [1.2, 2.1] });
    const wanted = reference.catapult["eta1.2"];
    const [caught, lost] = runs as [(typeof runs)[0], (typeof runs)[0]];
    // to the digits given: nine and twelve after the point
    expect(caught.maxLoss).toBeCloseTo(wanted.maxLoss, 9);
    expect(caught.atStep).toBe(wanted.atStep);
    expect(caught.finalKernel).toBeCloseTo(wanted.finalLambda, 12);
    expect(caught.phase).toBe("catapult");
    expect(lost.phase).toBe("diverged");
    expect(lost.finalKernel).toBeNull();
  });

  it.each([1, 3, 100, 1000])("follows the recursion of f and λ, n = %i", async (neurons) => {
    const rates = [0.3, 0.8, 1.2, 1.7];
    const { runs } = await catapult({ neurons, rates, steps: 30 });
    for (const { rate, loss, kernel } of runs) {
      const exact = recursion(rate, neurons, loss.length - 1);
      // round-off grows with the oscillation, by |1 − ηλ| < 2.4 a step for the few steps that f grows
      const scale = Math.max(...exact.loss);
      for (let k = 0; k < loss.length; k++) {
        expect(Math.abs(loss[k]! - exact.loss[k]!)).toBeLessThan(1e-10 * scale);
        expect(Math.abs(kernel[k]! - exact.kernel[k]!)).toBeLessThan(1e-10);
      }
    }
  });

  it("is lazy below η λ_0 = 2, flattens to λ < 2/η up to 4, and diverges above, for wide networks", async () => {
    const products = [0.5, 1, 1.5, 1.9, 2.1, 2.5, 3, 3.5, 3.9, 4.1, 5];
    for (const kernel of [1, 2, 5]) {
      const rates = products.map((product) => product / kernel);
      const { runs } = await catapult({ neurons: 1000, rates, kernel });
      runs.forEach(({ phase, product, rate, maxLoss, loss, finalKernel }, i) => {
        expect(product).toBeCloseTo(products[i]!, 12);
        const where = `η λ_0 = ${products[i]}, λ_0 = ${kernel}`;
        expect(phase, where).toBe(product < 2 ? "lazy" : product < 4 ? "catapult" : "diverged");
        if (phase === "diverged") return;
        expect(rate * finalKernel!, where).toBeLessThan(2);
        // the loss at its peak is of order n; lazily λ moves by about ηf²/n times a few
        if (phase === "catapult") expect(maxLoss, where).toBeGreaterThan(loss[0]!);
        else expect(finalKernel! / kernel, where).toBeGreaterThan(0.97);
      });
    }
  });

  it("does not happen at n = 1, where f_0 = 1 is as large as √n", async () => {
    const rates = [0.5, 1.1, 1.3, 1.5, 1.7, 1.9];
    const { runs } = await catapult({ neurons: 1, rates });
    for (const { maxLoss, loss } of runs) expect(maxLoss).toBe(loss[0]);
  });

  it("is a problem for any process: f_0 and λ_0 of its start are those asked for", async () => {
    const problem = await catapultProblem({ neurons: 50, prediction: -0.7, kernel: 3 });
    const run = await solve(gradientDescent(problem, { neurons: 50, stepSize: 0.001 }), {
      times: [0, 0.001],
      observe: { f: predictions([[1]]) },
    });
    const [f0, f1] = Array.from(run.observables["f"]!.values) as [number, number];
    // η = n ε
    const rate = 50 * 0.001;
    expect(f0).toBeCloseTo(-0.7, 12);
    expect(f1).toBeCloseTo(f0 * (1 - rate * 3 + (rate * rate * f0 * f0) / 50), 12);
  });
});

describe("wrong options", () => {
  it.each([
    [{ neurons: 0, rates: [1] }, /^neurons: /],
    [{ neurons: 10, rates: [] }, /^rates: /],
    [{ neurons: 10, rates: [1, -1] }, /^rates\[1\]: /],
    [{ neurons: 10, rates: [1], kernel: 0 }, /^kernel: /],
    [{ neurons: 10, rates: [1], prediction: 0 }, /^prediction: /],
    [{ neurons: 10, rates: [1], prediction: 4 }, /^prediction: .*3\.16/],
    [{ neurons: 10, rates: [1], steps: 0 }, /^steps: /],
  ])("%j is refused by its path", async (options, message) => {
    await expect(catapult(options)).rejects.toThrow(message);
  });
});
