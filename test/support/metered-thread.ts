/** The numbers of a thread that shows them to nobody. */

import { allocateMeter, ThreadMeter } from '../../src/shared/thread-meter.ts';

export function meteredThread(): ThreadMeter {
  return new ThreadMeter(allocateMeter(), () => ({ usedBytes: 0, limitBytes: 0 }), 0);
}
