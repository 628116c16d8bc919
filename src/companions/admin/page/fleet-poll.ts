/**
 * Asks all nodes of the fleet for their statistics. It finds the nodes as the API does, through nsqlookupds or from the
 * options.
 *
 * A node that does not answer in time keeps its last figures, and its answer counts whenever it comes.
 *
 * Bound: one request to a node at a time, ASKED_TOGETHER begun together; answers as in `Upstream`.
 * Thread: main.
 */

import type { Logger } from '../../../daemon/log.ts';
import type { Clock } from '../../../shared/clock.ts';
import type { Cluster } from '../cluster.ts';
import { httpAddress, type Producer } from '../producers.ts';
import { failureOf, type Upstream, UpstreamError } from '../upstream.ts';
import { FleetNode } from './fleet-node.ts';

/** The dependencies. */
export type FleetPollSetup = {
  readonly cluster: Pick<Cluster, 'members'>;
  readonly upstream: Pick<Upstream, 'poll' | 'statusOf'>;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'warn'>;
};

const ASKED_TOGETHER = 32;
/** How long frames wait for nodes. */
const WAIT_MS = 800;
/** The interval between searches for nodes. */
const MEMBERS_INTERVAL_MS = 10_000;
const NOT_FOUND = 404;
const STATS = '/stats?format=json&include_clients=false&include_mem=false';

export class FleetPoll {
  /** Sorted by host. */
  nodes: readonly FleetNode[] = [];
  /** The failures of nsqlookupds, or of the nodes in the options. */
  memberErrors: readonly string[] = [];
  /** Counts changes of what the nodes have. */
  version = 0;

  readonly #setup: FleetPollSetup;
  #membersMs: number | null = null;
  #isLooking = false;
  #latePages: FleetNode[] = [];

  constructor(setup: FleetPollSetup) {
    this.#setup = setup;
  }

  /** Forgets everything, because there are no viewers any more. */
  reset(): void {
    this.nodes = [];
    this.memberErrors = [];
    this.#membersMs = null;
    this.version++;
  }

  /** Asks all, and resolves when all have answered or the time is over. */
  async poll(): Promise<void> {
    const { clock } = this.#setup;
    const knownMs = this.#membersMs;
    if (knownMs === null) await this.#findMembers();
    const isDue = knownMs !== null && clock.monotonicMs() - knownMs >= MEMBERS_INTERVAL_MS;
    const looking = isDue && !this.#isLooking ? this.#findMembers() : undefined;
    await this.within(Promise.all([this.#askAll(), looking]));
    void this.#findPages();
  }

  /** Looks for nodes at the next poll. */
  refreshMembers(): void {
    if (this.#membersMs !== null) this.#membersMs = Number.NEGATIVE_INFINITY;
  }

  /** Asks a node something else. Errors: rejects with the text for the operator. */
  ask({ address }: FleetNode, pathAndQuery: string): Promise<Buffer> {
    return this.#setup.upstream.poll('nsqd', `http://${address}${pathAndQuery}`);
  }

  /** Resolves when the work is done, or the time for a frame is over. */
  async within(work: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#setup.clock.after(WAIT_MS, resolve);
    await Promise.race([work, promise]);
    timer.cancel();
  }

  async #findMembers(): Promise<void> {
    this.#isLooking = true;
    try {
      const { value, errors } = await this.#setup.cluster.members();
      this.#setMembers(value, errors);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      // The nodes that are known stay.
      this.#setMembers(
        this.nodes.map(({ producer }) => producer),
        [error.message],
      );
    } finally {
      this.#isLooking = false;
    }
  }

  #setMembers(producers: readonly Producer[], errors: readonly string[]): void {
    const known = new Map(this.nodes.map((node) => [node.address, node]));
    const nodes = new Map<string, FleetNode>();
    for (const producer of producers) {
      const address = httpAddress(producer);
      const node = nodes.get(address) ?? known.get(address) ?? new FleetNode(producer);
      node.producer = producer;
      nodes.set(address, node);
    }
    for (const error of errors) {
      if (!this.memberErrors.includes(error)) this.#setup.logger.warn(error);
    }
    const isChanged =
      nodes.size !== known.size ||
      [...nodes].some(([address, node]) => known.get(address) !== node);
    if (isChanged) this.version++;
    this.nodes = [...nodes.values()];
    this.memberErrors = errors;
    this.#membersMs = this.#setup.clock.monotonicMs();
  }

  async #askAll(): Promise<void> {
    await this.#together(
      this.nodes.filter(({ isPending }) => !isPending),
      (node) => this.#askNode(node),
    );
  }

  async #askNode(node: FleetNode): Promise<void> {
    const { clock, logger } = this.#setup;
    node.isPending = true;
    try {
      const bytes = await this.ask(node, STATS);
      if (await node.take(bytes, clock.monotonicMs())) this.version++;
    } catch (error) {
      const why = failureOf(error).join('; ');
      if (node.fail(why)) {
        this.version++;
        logger.warn(why);
      }
    } finally {
      node.isPending = false;
    }
  }

  /** Asks new nodes whether they have a page. */
  async #findPages(): Promise<void> {
    if (this.#latePages.length > 0) return;
    this.#latePages = this.nodes.filter(({ hasPage, error }) => hasPage === null && error === null);
    await this.#together(this.#latePages, async (node) => {
      const status = await this.#setup.upstream.statusOf(`http://${node.address}/ui/nodes`);
      if (status === null) return;
      node.hasPage = status !== NOT_FOUND;
    });
    this.#latePages = [];
  }

  async #together(
    nodes: readonly FleetNode[],
    work: (node: FleetNode) => Promise<void>,
  ): Promise<void> {
    const waiting = nodes.values();
    const worker = async (): Promise<void> => {
      for (const node of waiting) await work(node);
    };
    await Promise.all(Array.from({ length: ASKED_TOGETHER }, worker));
  }
}
