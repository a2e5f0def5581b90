export const differences = (_a: unknown, _b: unknown): string[] => [];
export const faults = (): string[] => [];
