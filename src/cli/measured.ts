// Written by `npm run gallery` from docs/figures/*.json: what the figures measured at their defaults when they last ran.

/** By name: seconds of one core, how many findings are met of how many, and what the first of them measured. */
export const measured: Record<string, { seconds: number; met: number; of: number; first: string }> = {
};
