/** The counters of a thread that nobody reads. */

import { allocateMeter, ThreadMeter } from '../../src/shared/thread-meter.ts';

export function meteredThread(): ThreadMeter {
  return new ThreadMeter(allocateMeter(), () => ({ usedBytes: 0, limitBytes: 0 }), 0);
}
