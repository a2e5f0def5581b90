// One process of the benchmark: times one case of a precision, or lists their names, as JSON.

import { cases } from "./cases";

const [precision, which] = process.argv.slice(2) as ["f32" | "f64", string];
const ROUNDS = 15;
const WARM_UP = 3;

const all = await cases(precision);
if (which === "names") {
  console.log(JSON.stringify(all.map((one) => one.name)));
  process.exit(0);
}
const { name, unit, contenders } = all[Number(which)]!;
const nanoseconds: Record<string, number[]> = Object.fromEntries(contenders.map((one) => [one.name, []]));
for (let round = 0; round < WARM_UP + ROUNDS; round++) {
  for (const contender of contenders) {
    const began = performance.now();
    await contender.run();
    const elapsed = ((performance.now() - began) * 1e6) / contender.units;
    if (round >= WARM_UP) nanoseconds[contender.name]!.push(elapsed);
  }
}
console.log(JSON.stringify({ name, unit, precision, node: process.version, nanoseconds }));
process.exit(0);
