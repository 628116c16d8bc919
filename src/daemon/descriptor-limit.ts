/**
 * The number of files and sockets that the process may open.
 *
 * Thread: main, at start-up.
 */

/**
 * Reads the limit of this process. Node has raised the soft limit to the hard one when it started.
 *
 * Errors: undefined if there is no limit or it is unknown.
 */
export function descriptorLimit(): number | undefined {
  // Node's types lack this property.
  const report: typeof process.report & { excludeNetwork?: boolean } = process.report;
  const wasExcluded = report.excludeNetwork ?? false;
  // Otherwise the report resolves the names of all addresses.
  report.excludeNetwork = true;
  const limit = openFilesLimit(report.getReport());
  report.excludeNetwork = wasExcluded;
  return limit;
}

/** The limit of open files in a diagnostic report; it is missing on Windows, and may be `unlimited`. */
export function openFilesLimit(report: unknown): number | undefined {
  const limits = field(report, 'userLimits');
  const limit = Number(field(field(limits, 'open_files'), 'soft'));
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  // Any property of an object may be read.
  return (value as Readonly<Record<string, unknown>>)[name];
}
