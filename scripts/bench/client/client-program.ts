/** Measures one client library with one load: gets its order from its parent, reports the figures, and exits. */

import { type ClientOrder, runClientLoad } from './client-loads.ts';

/** The report to the parent. */
export type ClientNews =
  | { readonly kind: 'done'; readonly figures: Awaited<ReturnType<typeof runClientLoad>> }
  | { readonly kind: 'failed'; readonly why: string };

process.once('message', async (order: ClientOrder) => {
  let news: ClientNews;
  try {
    news = { kind: 'done', figures: await runClientLoad(order) };
  } catch (error) {
    news = { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(news, () => process.exit());
});
