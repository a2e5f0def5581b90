// Long work that leaves the thread alive: a page goes on drawing and can stop it.

/** Longest time a kernel call may hold the thread, in milliseconds. */
export const CHUNK_MILLISECONDS = 10;

/** Lets the event loop turn: a macrotask, without the clamp of setTimeout. */
export function pause(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((done) => setImmediate(done));
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(0);
  });
}

/**
 * Does work that yields every few milliseconds, with pauses; what the clock decides changes no result.
 *
 * @param work    yields between its pieces
 * @param signal  stops it at a pause
 */
export async function withPauses<T>(work: Generator<void, T, void>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  for (let began = performance.now(); ; ) {
    const { done, value } = work.next();
    if (done) return value;
    if (performance.now() - began < CHUNK_MILLISECONDS) continue;
    await pause();
    signal?.throwIfAborted();
    began = performance.now();
  }
}

/** Does all of a piece of work at once. */
export function finish<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
