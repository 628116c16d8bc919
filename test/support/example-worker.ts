/** A thread that runs programs one after the other: each message names one, each answer says that it has ended. */

import { parentPort } from 'node:worker_threads';
import './package-hook.ts';

parentPort?.on('message', async (url: string) => {
  await import(url);
  parentPort?.postMessage('ended');
});
