/** Types of `bundles.cjs`, for TypeScript that imports it. */

export const FOLDER: string;
export const RECORD: string;
export function markOf(file: string): string;
export function freshBundles(root?: string): string | undefined;
export function programFile(name: string, source: string): string;
