/** All drives, by the names under which another process asks for them. */

import { churn } from './churn.ts';
import { deferred } from './deferred.ts';
import { httpPublish } from './http-publish.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import { consume, makeChannels, publish, publishAndConsume } from './traffic.ts';

export const DRIVES = {
  churn,
  consume,
  deferred,
  httpPublish,
  idle,
  latency,
  makeChannels,
  publish,
  publishAndConsume,
} as const;

export type DriveName = keyof typeof DRIVES;

/** What a drive is told to do; it passes from process to process as JSON. */
export type DriveOrder<Name extends DriveName> = Parameters<(typeof DRIVES)[Name]>[0];
