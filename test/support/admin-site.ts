/**
 * RingMQ's nsqadmin within the test, with a manual clock, and the nodes that it queries.
 *
 * Thread: main.
 */

import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Admin } from '../../src/companions/admin/admin.ts';
import {
  type AdminOptions,
  completeAdminOptions,
} from '../../src/companions/admin/admin-options.ts';
import { Guard } from '../../src/daemon/guard.ts';
import { InvalidValue } from '../../src/daemon/options/invalid-value.ts';
import { FakeServer } from './fake-server.ts';
import { type Journal, journalLogger } from './journal.ts';
import { ManualClock } from './manual-clock.ts';

const MACHINE = { hostname: 'machine', parallelism: 1 };

/** The answer that an HTTP client receives. */
type AdminAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly text: string;
  readonly body: unknown;
};

/** Statistics of a topic or a channel in nsqd's form. */
type FakeQueue = Readonly<Record<string, unknown>>;

export class AdminSite {
  readonly clock: ManualClock;
  readonly log: Journal;
  readonly #admin: Admin;

  static async start(t: TestContext, given: Partial<AdminOptions>): Promise<AdminSite> {
    const clock = new ManualClock();
    const { logger, log } = journalLogger();
    const all = { httpAddress: '127.0.0.1:0', ...given };
    const options = completeAdminOptions(new Map(Object.entries(all)), MACHINE);
    if (options instanceof InvalidValue) throw new Error(options.why);
    const admin = await Admin.start(options, { logger, clock, guard: new Guard(clock, logger) });
    t.after(() => admin.close());
    return new AdminSite(admin, clock, log);
  }

  private constructor(admin: Admin, clock: ManualClock, log: Journal) {
    this.#admin = admin;
    this.clock = clock;
    this.log = log;
  }

  get port(): number {
    return this.#admin.httpPort;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<AdminAnswer> {
    return this.ask('GET', path, undefined, headers);
  }

  ask(
    method: string,
    path: string,
    body?: object | string,
    headers: Record<string, string> = {},
  ): Promise<AdminAnswer> {
    const given = typeof body === 'object' ? JSON.stringify(body) : (body ?? '');
    const length = Buffer.byteLength(given).toString();
    const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>();
    const asked = request(
      {
        host: '127.0.0.1',
        port: this.port,
        method,
        path,
        agent: false,
        headers: { ...headers, 'content-length': length },
      },
      async (response) => {
        const { statusCode = 0, headers: own } = response;
        const bytes = await buffer(response);
        const said = bytes.toString();
        const parsed = said.startsWith('{') || said.startsWith('[') ? JSON.parse(said) : said;
        resolve({ status: statusCode, headers: own, bytes, text: said, body: parsed });
      },
    );
    asked.on('error', reject);
    asked.end(given);
    return promise;
  }
}

/** A node with these topics, each with its channels. It answers as nsqd 1.3, and accepts every POST. */
export async function fakeNode(
  t: TestContext,
  hostname: string,
  topics: readonly FakeQueue[],
): Promise<FakeServer> {
  const done = () => ({ status: 200, text: '' });
  const posts = ['topic', 'channel'].flatMap((kind) =>
    ['create', 'delete', 'pause', 'unpause', 'empty'].map((action) => `/${kind}/${action}`),
  );
  const node: FakeServer = await FakeServer.start(t, {
    ...Object.fromEntries(posts.map((path) => [path, done])),
    '/info': () => ({ ...identity(hostname, node), start_time: 1 }),
    '/stats': (query) => {
      const topic = query.get('topic');
      const wanted = topics.filter((one) => topic === null || one['topic_name'] === topic);
      return { version: '1.3.0', health: 'OK', start_time: 1, topics: wanted };
    },
  });
  return node;
}

/** An nsqlookupd that knows these nodes with their topics, and accepts every POST. */
export async function fakeLookup(
  t: TestContext,
  nodes: readonly {
    readonly hostname: string;
    readonly server: FakeServer;
    readonly topics: readonly string[];
  }[],
  orphans: readonly string[] = [],
): Promise<FakeServer> {
  const producer = ({ hostname, server }: (typeof nodes)[number]) => ({
    remote_address: `10.0.0.1:${server.port}`,
    ...identity(hostname, server),
  });
  const known = [...new Set([...nodes.flatMap(({ topics }) => topics), ...orphans])];
  const done = () => ({ status: 200, text: '' });
  const posts = [
    'topic/create',
    'topic/delete',
    'topic/tombstone',
    'channel/create',
    'channel/delete',
  ];
  return FakeServer.start(t, {
    ...Object.fromEntries(posts.map((path) => [`/${path}`, done])),
    '/topics': () => ({ topics: known }),
    '/channels': () => ({ channels: ['c2', 'c1'] }),
    '/nodes': () => ({
      producers: nodes.map((node) => ({
        ...producer(node),
        tombstones: node.topics.map(() => false),
        topics: node.topics,
      })),
    }),
    '/lookup': (query) => {
      const topic = query.get('topic') ?? '';
      if (!known.includes(topic)) return { status: 404, text: '{"message":"TOPIC_NOT_FOUND"}' };
      const producers = nodes.filter(({ topics }) => topics.includes(topic)).map(producer);
      return { channels: [], producers };
    },
  });
}

function identity(hostname: string, server: FakeServer): object {
  return {
    hostname,
    broadcast_address: '127.0.0.1',
    tcp_port: server.port - 1,
    http_port: server.port,
    version: '1.3.0',
  };
}
