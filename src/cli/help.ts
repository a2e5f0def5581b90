// The help texts.

import { figureNames } from "../study/figures/registry";

/** `meanfield --help` */
export const HELP = `meanfield: one-pass SGD on a two-layer network beside its mean-field limits.

Usage
  meanfield run SPEC.json [options]      run a specification
  meanfield sweep SPEC.json [options]    run one at many values of its fields
  meanfield figure NAME [options]        run one of the figures
  meanfield figure --list                the figures, and what to see in them
  meanfield --help, --version            each command has its own --help

Exit codes
  0    done
  1    a run failed or diverged
  2    wrong command line or specification
  130  interrupted (Ctrl-C); what was done until then is saved where the command says so

Results go to standard output and to the folder given by --out; progress and notes go to standard error.
`;

/** `meanfield run --help` */
export const RUN_HELP = `meanfield run SPEC.json [options]: runs a specification; "-" reads it from standard input.

  --out DIR          folder for the results (out); made if it is not there
  --resume           goes on from what an interrupted run left in DIR: saved every 30 s and, of a single run, at once
  --restart          throws that checkpoint away and starts again
  --workers N        worker threads for replicas (the number of cores, at most the replicas)
  --backend NAME     build of the kernels: simd, relaxed or js (the best that runs here)
  --help             this text

SPEC.json is
  { "version": 1, "process": …, "times": [0, 0.1, 1, 10], "observe": …, "replicas": 4, "compareWith": … }
where process and compareWith are processes as sgd(…) and radialFlow(…) of the library give them, times is a list or
{ "kind": "logSpaced", "from": …, "to": …, "count": … }, and observe is statistics by name, { "risk": { "kind": "risk" } }
if it is left out.

Written to DIR: spec.json (with all defaults filled in), trajectory.json, compareWith.json where there is one, and figures
as SVG: risk.svg, statistics.svg, density.svg, whichever the recorded statistics give. A table goes to standard output.
`;

/** `meanfield sweep --help` */
export const SWEEP_HELP = `meanfield sweep SPEC.json [options]: runs a specification at many values of its fields; "-" reads it from
standard input.

  --out DIR          folder for the results (out); made if it is not there
  --workers N        worker threads (the number of cores, at most the runs)
  --backend NAME     build of the kernels: simd, relaxed or js (the best that runs here)
  --help             this text

SPEC.json is a specification of meanfield run with one field more,
  "vary": { "process.neurons": [100, 200, 400], "process.seed": [1, 2] }
for a grid, the values of each field; fields that belong together share an entry,
  "vary": { "process.neurons, process.stepSize": [[100, 0.01], [400, 0.0025]] }
or the points themselves, "vary": [{ "process.neurons": 100 }, { "process.neurons": 400 }]. Everything under process, times and
observe can be varied. Every point is checked before anything runs.

Written to DIR: table (means and standard errors) and replicas (every value), each as .json, .csv and .parquet; sweep.json; and
runs/, a file for each finished run under the hash of its specification. A sweep that was stopped or killed goes on when the
same command is given again, and a larger one finds what a smaller one has done. A table goes to standard output.
`;

/** `meanfield figure --help` */
export const FIGURE_HELP = `meanfield figure NAME [options]: runs a figure, prints its table and writes its pictures.

  NAME               ${figureNames.join(", ")}
  --list             the figures, and what to see in them
  --full             the finer, longer form
  --resume           goes on from what an interrupted run of the same figure left in DIR
  --out DIR          folder for the results (out)
  --seed N           seed of SGD (1)
  --replicas N       replicas of each run of SGD (each figure has its own default)
  --workers N        worker threads (the number of cores)
  --backend NAME     build of the kernels: simd, relaxed or js (the best that runs here)
  --help             this text

Written to DIR: NAME.json with all numbers, and the pictures as NAME-….svg.
`;
