// The help texts.

import { figureNames } from "../study/figures/registry";
import type { Command } from "./commands";
import { starters } from "./starters";

/** `meanfield --help` */
export const HELP = `meanfield: one-pass SGD on a two-layer network beside its mean-field limits.

Usage
  npx meanfield new NAME > spec.json         a specification to begin with
  npx meanfield run SPEC.json [options]      run a specification
  npx meanfield sweep SPEC.json [options]    run one at many values of its fields
  npx meanfield figure NAME [options]        run one of the figures
  npx meanfield figure --list                the figures, and what to see in them
  npx meanfield convert IN OUT               results and data from one form of file to another: npz, csv, parquet, json
  npx meanfield doctor                       what this machine can do, and whether it computes right
  npx meanfield completion bash|zsh|fish     completion of command lines for a shell
  npx meanfield --help, --version            each command has its own --help

Options of every command
  --json                                 the result as JSON on standard output; an error as JSON on standard error
  -q, --quiet                            no progress and no notes: standard error has errors only
  -v, --verbose                          what is loaded, which build, which method, how long

Exit codes
  0    done
  1    failed: a file or a worker, or doctor found something wrong
  2    wrong command line, specification or file; nothing was written
  3    a run diverged: an answer about the specification, which another try will not change
  4    a saved state cannot be used: --restart begins anew
  130  interrupted (Ctrl-C), 143 terminated (SIGTERM); what was done is saved where the command says so, and the same
       command goes on

Results go to standard output and to the folder given by --out; progress and notes go to standard error.
`;

const COMMON = `  --json             the result as JSON on standard output; an error as a line of JSON, the last on standard error
  -q, --quiet        no progress and no notes
  -v, --verbose      what is loaded, which build, which method, how long
  -h, --help         this text
`;

const DATA = `  --data FILE        examples in place of the law: CSV, Parquet or npz; labels in a column (or array) y, label or class
  --labels NAME      column of the labels, or several with commas between; --inputs and --weights likewise
`;

const RUNNING = `  --backend NAME     build of the kernels: simd, relaxed or js (the best that runs here)
`;

/** `meanfield run --help` */
const RUN_HELP = `meanfield run SPEC.json [options]: runs a specification; "-", or none where something is piped in, reads it from
standard input.

  -o, --out DIR      folder for the results (out); made if it is not there
      --out -        the recorded run alone, as JSON, to standard output; the table goes to standard error
  --restart          throws away what DIR has of a run, and begins anew
  --resume           goes on with what DIR has, or fails where that is nothing
  --workers N        worker threads for replicas (the number of cores, at most the replicas)
${DATA}${RUNNING}${COMMON}
SPEC.json is
  { "version": 1, "process": …, "times": [0, 0.1, 1, 10], "observe": …, "replicas": 4, "compareWith": … }
where process and compareWith are processes as sgd(…) and radialFlow(…) of the library give them, times is a list or
{ "kind": "logSpaced", "from": …, "to": …, "count": … }, and observe is statistics by name, { "risk": { "kind": "risk" } }
if it is left out.

Written to DIR: spec.json (with all defaults filled in), trajectory.json, compareWith.json where there is one, and figures
as SVG: risk.svg, statistics.svg, density.svg, whichever the recorded statistics give. A table goes to standard output.

The same command again goes on where it was interrupted or killed, to the same bits as an unbroken run (states are saved every
30 s, and at once on Ctrl-C), makes files that are missing, and does nothing where all are there. A folder that has another run
is left as it is: exit code 2.
`;

/** `meanfield sweep --help` */
const SWEEP_HELP = `meanfield sweep SPEC.json [options]: runs a specification at many values of its fields; "-", or none where
something is piped in, reads it from standard input.

  -o, --out DIR      folder for the results (out); made if it is not there
      --out -        the table of means alone, as JSON, to standard output; nothing is kept
  --workers N        worker threads (the number of cores, at most the runs)
${DATA}${RUNNING}${COMMON}
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
const FIGURE_HELP = `meanfield figure NAME [options]: runs a figure, prints its table and writes its pictures.

  NAME               ${figureNames.join(", ")}
  --list             the figures, and what to see in them
  --full             the finer, longer form
  -o, --out DIR      folder for the results (out)
      --out -        all numbers, as JSON, to standard output; no pictures
  --restart          throws away what DIR has of this figure, and begins anew
  --resume           goes on with what an interrupted run left in DIR, or fails where that is nothing
  --seed N           seed of SGD (1)
  --replicas N       replicas of each run of SGD (each figure has its own default)
  --workers N        worker threads (the number of cores)
${RUNNING}${COMMON}
Written to DIR: NAME.json with all numbers, and the pictures as NAME-….svg. The same command again goes on where it was
interrupted or killed, and does nothing where everything is there.
`;

/** `meanfield new --help` */
const NEW_HELP = `meanfield new NAME > spec.json: prints a specification to begin with, and how to run it.

${Object.entries(starters)
  .map(([name, { about }]) => `  ${name.padEnd(18)} ${about}`)
  .join("\n")}

${COMMON}`;

/** `meanfield convert --help` */
const CONVERT_HELP = `meanfield convert IN OUT: results and data from one form of file to another.

  IN                 a recorded run (trajectory.json) or ensemble, a measure, a table or arrays; told by what is in it; "-" is
                     standard input
  OUT                .npz (NumPy), .csv, .parquet or .json, by its name; "-" is standard output
  --to FORMAT        npz, csv, parquet or json, where the name does not tell
${COMMON}
A run becomes a row a time, or an array a statistic; of an ensemble means, standard errors and, in npz, every replica. Numbers
keep their bits. JSON, npz and Parquet of a run have its specification with them and come back as it was; CSV has numbers alone.
`;

/** `meanfield doctor --help` */
const DOCTOR_HELP = `meanfield doctor [options]: what this machine can do, and whether it computes right, in a few seconds.

${COMMON}
Tells which builds of the kernels run here and which is chosen, whether worker threads start, cores and memory, and runs a
self-test: random numbers and a short run of SGD by every build, against the bits of the reference. Exit code 1 where
something is wrong, with what to do about it.
`;

/** `meanfield completion --help` */
const COMPLETION_HELP = `meanfield completion bash|zsh|fish: prints the script by which a shell completes command lines.

  bash   meanfield completion bash > ~/.local/share/bash-completion/completions/meanfield
  zsh    meanfield completion zsh > ~/.zfunc/_meanfield        (fpath+=~/.zfunc before compinit in ~/.zshrc)
  fish   meanfield completion fish > ~/.config/fish/completions/meanfield.fish
`;

/** Help of each command. */
export const HELPS: Record<Command, string> = {
  run: RUN_HELP,
  sweep: SWEEP_HELP,
  figure: FIGURE_HELP,
  new: NEW_HELP,
  convert: CONVERT_HELP,
  doctor: DOCTOR_HELP,
  completion: COMPLETION_HELP,
};
