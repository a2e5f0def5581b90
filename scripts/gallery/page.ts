export const galleryPage = (_a: unknown): string => "";
export const measuredModule = (_a: unknown): string => "";
