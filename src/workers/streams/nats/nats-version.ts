/**
 * Which versions of nats-server have faults that lose or withhold messages when servers fail repeatedly.
 *
 * Thread: any (pure).
 */

/** The first one that passed, with all later ones. */
const SOUND = [2, 10, 27] as const;
const VERSION = /^v?(\d+)\.(\d+)\.(\d+)/;

/** Why a server should be replaced by a newer one, or null, also for a text that is not a version. */
export function versionWarning(version: string): string | null {
  const parts = VERSION.exec(version)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const first = SOUND.findIndex((number, index) => parts[index] !== number);
  if (first === -1 || parts[first] > SOUND[first]) return null;
  const sound = SOUND.join('.');
  return `nats-server ${version} may lose or withhold messages when servers fail; use ${sound} or newer`;
}
