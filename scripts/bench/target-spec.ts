/** How to come by a server for a run, and what it is to be. */

import type { Role } from './target.ts';
import type { Address } from './wire/address.ts';

/** A server that is started for a run. */
export type StartedSpec = {
  readonly role: Role;
  readonly kind: 'start';
  readonly words: readonly string[];
};

/** How to come by a server. */
export type TargetSpec =
  | StartedSpec
  | {
      readonly role: Role;
      readonly kind: 'running';
      readonly address: Address;
      readonly httpAddress: Address;
    }
  | { readonly role: Role; readonly kind: 'sink' };

/** What a load needs of a server that is started for it. */
export type ServerNeeds = {
  readonly memQueueSize: number;
  readonly hasTls: boolean;
  /** What it is told beside where it listens and keeps its data. */
  readonly flags: readonly string[];
  /** Puts into the data directory what is to be there at the start. */
  readonly prepare: ((dataPath: string) => void) | null;
};

/** The sink that a load can be sent to: for TCP, with the bytes of a command. */
export type Sink =
  | { readonly protocol: 'tcp'; readonly commandBytes: number }
  | { readonly protocol: 'http' };
