// The worker that runs: messages in, messages out.

import type { Request } from "./protocol";
import { startSession } from "./session";

const scope = self as unknown as {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent<Request>) => void): void;
  close(): void;
};

const session = startSession((response, transfer) => scope.postMessage(response, transfer));

scope.addEventListener("message", ({ data }) => {
  session.receive(data);
  if (data.type === "close") scope.close();
});
