export interface Served {
  address: string;
  close(): Promise<void>;
}

export function serve(folder: string, headers?: Record<string, string>): Promise<Served>;
