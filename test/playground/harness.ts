// A session without a worker, asked and answered in the tests.

import { type Dropped, type Experiment, runOf } from "../../playground/src/experiment";
import type { Change, Frame, Look, Request, Response } from "../../playground/src/run/protocol";
import { startSession } from "../../playground/src/run/session";

export const NOTHING: Look = { cloud: null, law: null, decision: null, sharpness: false };

/** A session whose frames are drawn at once. */
export function begin() {
  const responses: Response[] = [];
  let heard = () => {};
  const session = startSession((response) => {
    responses.push(response);
    heard();
    if (response.type === "frame") queueMicrotask(() => session.receive({ type: "drawn" }));
  });
  const send = (request: Request) => session.receive(request);
  // the first response from `from` on that passes
  async function until<R extends Response>(test: (response: Response) => response is R, from: number): Promise<R>;
  async function until(test: (response: Response) => boolean, from: number): Promise<Response>;
  async function until(test: (response: Response) => boolean, from: number): Promise<Response> {
    for (let i = from; ; i++) {
      while (i >= responses.length) {
        await new Promise<void>((resume) => {
          heard = resume;
        });
      }
      if (test(responses[i]!)) return responses[i]!;
    }
  }
  const frame = async (test: (frame: Frame) => boolean, from = responses.length): Promise<Frame> => {
    const found = await until((response) => response.type === "frame" && test(response.frame), from);
    return (found as Extract<Response, { type: "frame" }>).frame;
  };
  return { send, responses, until, frame };
}

/** A session in a test. */
export type Session = ReturnType<typeof begin>;
let ids = 0;
/** Opens an experiment and waits for the frame of its time. */
export const opened = async (
  { send, until, frame, responses }: Session,
  experiment: Experiment,
  time = 0,
  look: Look = NOTHING,
  file: Dropped | null = null,
) => {
  const from = responses.length;
  const id = ++ids;
  send({ type: "open", id, run: runOf(experiment, file), until: time, look });
  const answer = await until((response) => response.type !== "frame" && "id" in response && response.id === id, from);
  if (answer.type !== "opened") throw new Error(JSON.stringify(answer));
  const shown = await frame((one) => Math.abs(one.time - time) < (one.stepSize ?? 1e-9) / 2, from);
  return { answer, shown };
};
/** Changes a run; the answer. */
export const changed = async ({ send, until, responses }: Session, change: Change["set"]) => {
  const id = ++ids;
  send({ type: "change", id, change });
  return await until(
    (response) => response.type !== "frame" && "id" in response && response.id === id,
    responses.length,
  );
};
/** Pauses; the frame at rest. */
export const stopped = async ({ send, frame }: Session): Promise<Frame> => {
  send({ type: "pause" });
  return await frame((one) => !one.playing);
};
