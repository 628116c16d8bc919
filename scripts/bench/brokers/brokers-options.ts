/** The options of `brokers`. */

import { BATCH_OPTIONS, MESSAGES_DEFAULT } from '../loads/traffic-options.ts';
import { count, counts, type OptionValues, optionalAddress } from '../option-kinds.ts';
import { STARTED_OPTIONS } from '../run-options.ts';

/** Those that no other sub-command has. */
export const BROKERS_OPTIONS = {
  brokers: counts([1, 2], 1, 'numbers of brokers'),
  lookupd: optionalAddress(
    'TCP address of an nsqlookupd that the brokers register with (default: a small one is brought along)',
  ),
  lookupdHttpAddress: optionalAddress('where it speaks HTTP (default: one port further)'),
  messages: count(MESSAGES_DEFAULT, 1, 'messages that each broker gets'),
  ...BATCH_OPTIONS,
  connections: count(2, 1, 'connections to each broker that publish, and as many that consume'),
  inFlight: count(2, 1, 'commands of a connection that are not answered yet'),
  rdy: count(2500, 1, 'RDY of each consumer'),
} as const;

/** All of them. */
export const BROKERS_TABLE = { ...STARTED_OPTIONS, ...BROKERS_OPTIONS };

/** What is measured with each number of brokers. */
export type BrokersValues = OptionValues<typeof BROKERS_TABLE>;
