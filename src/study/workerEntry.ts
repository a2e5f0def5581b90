// Entry of the worker's bundle (scripts/worker.mjs makes it an inline source; `meanfield/worker` is the same as a file).

import workerpool from "workerpool";
import { solveTask, type WorkerTask } from "./worker";

workerpool.worker({
  solve: (task: WorkerTask) => solveTask(task, (message) => workerpool.workerEmit(message)),
});
