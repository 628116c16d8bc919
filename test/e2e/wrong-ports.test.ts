import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, type TestContext, test } from 'node:test';
import type { BrokerProcess } from '../../scripts/kit/broker.ts';
import type { Companion } from '../../src/companions/companion.ts';
import { runLs } from '../../src/companions/operator/stat-commands.ts';
import { runMirror } from '../../src/companions/tools/mirror.ts';
import { runNsqStat } from '../../src/companions/tools/nsq-stat.ts';
import { runNsqTail } from '../../src/companions/tools/nsq-tail.ts';
import { runNsqToNsq } from '../../src/companions/tools/nsq-to-nsq.ts';
import { runToFile } from '../../src/companions/tools/to-file.ts';
import { runToHttp } from '../../src/companions/tools/to-http.ts';
import { runToNsq } from '../../src/companions/tools/to-nsq.ts';
import { BrokerSite } from '../support/broker-process.ts';
import { LookupdSite } from '../support/lookupd-site.ts';
import { runWords } from '../support/operator.ts';

const HTTP_FOR_TCP = /sent HTTP, so this is an HTTP port; the TCP port of a broker is usually 4150/;
const LOOKUPD_FOR_TCP = /sent an answer of nsqlookupd, whose TCP port this is; that of a broker is/;
const TCP_FOR_HTTP = /it does not answer in HTTP, so this may be a TCP port/;
const LOOKUPD_FOR_NSQD = /has no \/stats.*it is not a broker, whose HTTP port is usually 4151/;
const NSQD_FOR_LOOKUPD =
  /it has no \/lookup, so it is not an nsqlookupd, whose HTTP port is usually 4161/;

/** A broker has a data directory of its own. */
const sites = [0, 1, 2].map(() => new BrokerSite({ after }));
let broker: BrokerProcess;
let other: BrokerProcess;

before(async () => {
  [broker, other] = await Promise.all([sites[0].start(), sites[1].start()]);
});

type Ports = {
  readonly tcp: string;
  readonly http: string;
  readonly otherTcp: string;
  readonly otherHttp: string;
  readonly lookupdTcp: string;
  readonly lookupdHttp: string;
};

/** What a tool says that ends by itself. */
const ENDING: readonly [string, Companion, (ports: Ports) => string[], RegExp][] = [
  ['nsq_tail', runNsqTail, ({ http }) => ['--topic=t', nsqd(http)], HTTP_FOR_TCP],
  ['nsq_tail', runNsqTail, ({ lookupdHttp }) => ['--topic=t', nsqd(lookupdHttp)], HTTP_FOR_TCP],
  ['nsq_tail', runNsqTail, ({ lookupdTcp }) => ['--topic=t', nsqd(lookupdTcp)], LOOKUPD_FOR_TCP],
  ['to-http', runToHttp, ({ http }) => ['--topic=t', nsqd(http), '--post=http://h/'], HTTP_FOR_TCP],
  ['to-nsq', runToNsq, ({ http }) => ['--topic=t', nsqd(http)], HTTP_FOR_TCP],
  ['to-nsq', runToNsq, ({ lookupdTcp }) => ['--topic=t', nsqd(lookupdTcp)], LOOKUPD_FOR_TCP],
  [
    'nsq-to-nsq',
    runNsqToNsq,
    ({ tcp, otherHttp }) => ['--topic=t', nsqd(tcp), `--destination-nsqd-tcp-address=${otherHttp}`],
    HTTP_FOR_TCP,
  ],
  ['nsq_stat', runNsqStat, ({ tcp }) => stat(`--nsqd-http-address=${tcp}`), TCP_FOR_HTTP],
  [
    'nsq_stat',
    runNsqStat,
    ({ lookupdHttp }) => stat(`--nsqd-http-address=${lookupdHttp}`),
    LOOKUPD_FOR_NSQD,
  ],
  ['nsq_stat', runNsqStat, ({ http }) => stat(lookupd(http)), NSQD_FOR_LOOKUPD],
  ['mirror', runMirror, ({ tcp, otherHttp }) => mirror(tcp, otherHttp), TCP_FOR_HTTP],
  ['mirror', runMirror, ({ http, otherTcp }) => mirror(http, otherTcp), TCP_FOR_HTTP],
  [
    'mirror',
    runMirror,
    ({ lookupdHttp, otherHttp }) => mirror(lookupdHttp, otherHttp),
    /is not a broker; the HTTP port of a broker is usually 4151/,
  ],
  [
    'mirror',
    runMirror,
    ({ http, otherHttp }) => [
      ...mirror(http, otherHttp),
      `--destination-nsqd-tcp-address=${otherHttp}`,
    ],
    HTTP_FOR_TCP,
  ],
  ['ls', runLs, ({ tcp }) => [`--http-address=${tcp}`], TCP_FOR_HTTP],
  ['ls', runLs, ({ lookupdHttp }) => [`--http-address=${lookupdHttp}`], LOOKUPD_FOR_NSQD],
];

test('a tool that is given a wrong port ends, and says which one is right', async (t) => {
  const ports = await portsOf(t);
  await broker.ask('/topic/create?topic=t', 'POST');
  for (const [name, run, wordsOf, text] of ENDING) {
    const words = wordsOf(ports);
    const input = (): Readable => Readable.from([Buffer.from('a\n')]);
    const { code, stderr } = await runWords(run, words, { input });

    const label = `${name} ${words.join(' ')}`;
    assert.notEqual(code, 0, label);
    assert.match(stderr, text, label);
  }
});

/** What a tool says that waits, as its original does. */
const WAITING: readonly [string, Companion, (ports: Ports) => string[], RegExp][] = [
  ['nsq_tail', runNsqTail, ({ http }) => ['--topic=t', lookupd(http)], NSQD_FOR_LOOKUPD],
  ['nsq_tail', runNsqTail, ({ tcp }) => ['--topic=t', lookupd(tcp)], TCP_FOR_HTTP],
  [
    'nsq_tail',
    runNsqTail,
    ({ lookupdHttp }) => ['--topic=none', lookupd(lookupdHttp)],
    /no nsqlookupd knows a broker that has the topic none; waiting for one/,
  ],
  [
    'to-file',
    runToFile,
    ({ lookupdHttp }) => ['--topic=none', lookupd(lookupdHttp), '--output-dir=/nowhere'],
    /no nsqlookupd knows a broker that has the topic none; waiting for one/,
  ],
  [
    'to-file',
    runToFile,
    ({ lookupdHttp }) => ['--topic-pattern=^x', lookupd(lookupdHttp)],
    /none of the 0 topics that nsqlookupd knows matches --topic-pattern; waiting for one/,
  ],
  ['to-file', runToFile, ({ http }) => ['--topic=t', nsqd(http)], HTTP_FOR_TCP],
];

test('a tool that waits says what for', async (t) => {
  const ports = await portsOf(t);
  for (const [name, run, wordsOf, text] of WAITING) {
    const words = wordsOf(ports);
    const told = Promise.withResolvers<void>();
    let said = '';
    const running = runWords(run, words, {
      stderr: (piece) => {
        said += piece;
        if (text.test(said)) told.resolve();
      },
    });
    await Promise.race([told.promise, running]);
    process.emit('SIGTERM', 'SIGTERM');
    const { code } = await running;

    const label = `${name} ${words.join(' ')}: ${said}`;
    assert.match(said, text, label);
    assert.equal(code, 0, label);
  }
});

test('nsq-to-nsq ends when nsqlookupd names its destination as a source of the topic', async (t) => {
  const { lookupdHttp, lookupdTcp } = await portsOf(t);
  const registered = await sites[2].start({
    flags: [`--lookupd-tcp-address=${lookupdTcp}`, '--broadcast-address=127.0.0.1'],
  });
  await registered.ask('/topic/create?topic=circle', 'POST');
  const destination = `--destination-nsqd-tcp-address=localhost:${registered.tcpPort}`;

  const { code, stderr } = await runWords(runNsqToNsq, [
    '--topic=circle',
    lookupd(lookupdHttp),
    destination,
  ]);

  assert.equal(code, 1);
  assert.match(stderr, /is source and destination of circle, so its messages would go round/);
});

async function portsOf(t: TestContext): Promise<Ports> {
  const { ports } = await LookupdSite.start(t);
  return {
    tcp: `127.0.0.1:${broker.tcpPort}`,
    http: `127.0.0.1:${broker.httpPort}`,
    otherTcp: `127.0.0.1:${other.tcpPort}`,
    otherHttp: `127.0.0.1:${other.httpPort}`,
    lookupdTcp: `127.0.0.1:${ports.tcp}`,
    lookupdHttp: `127.0.0.1:${ports.http}`,
  };
}

function nsqd(address: string): string {
  return `--nsqd-tcp-address=${address}`;
}

function lookupd(address: string): string {
  return `--lookupd-http-address=${address}`;
}

function stat(address: string): string[] {
  return ['--topic=t', '--channel=c', address];
}

function mirror(from: string, to: string): string[] {
  return [`--nsqd-http-address=${from}`, `--destination-nsqd-http-address=${to}`];
}
