export function filesOf(folder: string, ending: string): string[];
export function deadLinks(folder: string, base?: string, others?: readonly string[]): string[];
