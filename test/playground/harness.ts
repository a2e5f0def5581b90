// A session without a worker, asked and answered in the tests.

import type { Frame, Look, Request, Response } from "../../playground/src/run/protocol";
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
