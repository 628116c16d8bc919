/** A thread that runs programs one after the other: each message names one, and each answer reports its end. */

import { parentPort } from 'node:worker_threads';
import './package-hook.ts';

parentPort?.on('message', async (url: string) => {
  await import(url);
  parentPort?.postMessage('ended');
});
