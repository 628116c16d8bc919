/**
 * What `/debug` can mean in Node, under the paths of Go's profiler.
 *
 * | path | here |
 * |---|---|
 * | /debug/pprof/ | a page that lists the others |
 * | /debug/pprof/cmdline | the command line, words separated by zero bytes |
 * | /debug/pprof/profile | a CPU profile of the main thread as JSON; `seconds` from 1 to 300, by default 30 |
 * | /debug/pprof/heap | a snapshot of the main thread's heap; it stalls the broker |
 * | /debug/pprof/goroutine, block, threadcreate, symbol | 404: Node has nothing of the kind |
 * | /debug/setblockrate | checks its parameter as nsqd does, and has no effect |
 * | /debug/freememory | collects garbage on the main thread |
 *
 * What shows memory or code, and what main stands still for, is for clients on this machine unless `--debug-http` says
 * otherwise.
 *
 * Thread: main.
 * Source: nsqd `newHTTPServer`. The last two answer 200, where nsqd does what it is asked and then answers 500.
 */

import { getHeapSnapshot } from 'node:v8';
import { goQuote } from '../../daemon/go/go-text.ts';
import {
  type Answer,
  fileAnswer,
  fileHeaders,
  htmlAnswer,
  plainAnswer,
} from '../../daemon/http/answer.ts';
import type { Exchange } from '../../daemon/http/exchange.ts';
import { Query } from '../../daemon/http/query.ts';
import type { Route } from '../../daemon/http/router.ts';
import type { Logger } from '../../daemon/log.ts';
import type { Clock } from '../../shared/clock.ts';
import type { HttpBroker } from '../topics/broker.ts';
import { routesFor } from './access.ts';
import { CpuProfiler } from './cpu-profiler.ts';
import { collectGarbage } from './garbage.ts';
import { Stalls } from './stalls.ts';

type Setup = {
  readonly broker: Pick<HttpBroker, 'options'>;
  readonly clock: Clock;
  readonly logger: Logger;
};

const INTEGER = /^[+-]?[0-9]+$/;
const SECONDS_DEFAULT = '30';
const SECONDS_MAX = 300;
const MS_PER_SECOND = 1000;

const INDEX = htmlAnswer(
  200,
  [],
  `<!DOCTYPE html>
<title>/debug/pprof/</title>
<h1>/debug/pprof/</h1>
<ul>
<li><a href="cmdline">cmdline</a>: the command line
<li><a href="profile?seconds=30">profile</a>: CPU profile of the main thread, recorded for the given seconds
<li><a href="heap">heap</a>: heap snapshot of the main thread; the broker stands still while it is taken
</ul>
`,
);

/** The endpoints under `/debug`. */
export function debugRoutes({ broker, clock, logger }: Setup): Route[] {
  const { debugHttp } = broker.options;
  const stalls = new Stalls(logger, clock);
  const profiler = new CpuProfiler(stalls);
  const snapshots = new HeapSnapshots(logger, stalls);
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  const harmless: Route = {
    method: 'PUT',
    path: '/debug/setblockrate',
    isQuiet: false,
    handle: (exchange) => exchange.answer(setBlockRate(exchange.rawQuery)),
  };
  const telling: Route[] = [
    get('/debug/pprof/', (exchange) => exchange.answer(INDEX)),
    get('/debug/pprof/cmdline', (exchange) => exchange.answer(plainAnswer(200, commandLine()))),
    get('/debug/pprof/profile', (exchange) =>
      exchange.answerWith(profile(exchange, profiler, clock)),
    ),
    get('/debug/pprof/heap', (exchange) => snapshots.send(exchange)),
    {
      method: 'POST',
      path: '/debug/freememory',
      isQuiet: false,
      handle: (exchange) => {
        stalls.watch('collecting garbage', collectGarbage);
        exchange.answer(plainAnswer(200, ''));
      },
    },
  ];
  return [...(debugHttp === 'off' ? [] : [harmless]), ...routesFor(debugHttp, telling)];
}

/** Sends one snapshot at a time: until it is sent, it takes as much memory as the heap itself. */
class HeapSnapshots {
  readonly #logger: Logger;
  readonly #stalls: Stalls;
  #isSending = false;

  constructor(logger: Logger, stalls: Stalls) {
    this.#logger = logger;
    this.#stalls = stalls;
  }

  send(exchange: Exchange): void {
    if (this.#isSending) {
      exchange.answer(plainAnswer(409, 'failed to take heap snapshot - another one is being sent'));
      return;
    }
    this.#isSending = true;
    exchange.onClosed(() => {
      this.#isSending = false;
    });
    // Logged before, because a supervisor may end the broker while it is stalled.
    const who = exchange.remoteAddress;
    this.#logger.warn(`taking a heap snapshot for ${who}, the broker stands still meanwhile`);
    const snapshot = this.#stalls.watch('taking a heap snapshot', () => {
      const stream = getHeapSnapshot();
      // The first read makes all of its text.
      stream.read(0);
      return stream;
    });
    exchange.stream(fileHeaders('main.heapsnapshot', 'application/octet-stream'), snapshot);
  }
}

function commandLine(): string {
  return [process.execPath, ...process.execArgv, ...process.argv.slice(1)].join('\0');
}

async function profile(exchange: Exchange, profiler: CpuProfiler, clock: Clock): Promise<Answer> {
  const text = Query.parse(exchange.rawQuery)?.get('seconds') ?? SECONDS_DEFAULT;
  const seconds = INTEGER.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > SECONDS_MAX) {
    return plainAnswer(400, `invalid seconds ${goQuote(text)}, wanted 1 to ${SECONDS_MAX}`);
  }
  const recorded = await profiler.record(() => elapsed(clock, seconds * MS_PER_SECOND, exchange));
  if (recorded === undefined) {
    return plainAnswer(409, 'failed to start CPU profile - another one is being recorded');
  }
  return fileAnswer('main.cpuprofile', 'application/json; charset=utf-8', recorded);
}

/** Resolves after that time, or, as in Go, when the client has ended its side. */
function elapsed(clock: Clock, delayMs: number, exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, resolve);
    exchange.onEnded(() => {
      timer.cancel();
      resolve();
    });
  });
}

/** Source: nsqd's `setBlockRateHandler`, and the errors of Go's `strconv.Atoi`. */
function setBlockRate(rawQuery: string): Answer {
  const rate = Query.parse(rawQuery)?.get('rate') ?? '';
  if (INTEGER.test(rate)) return plainAnswer(200, '');
  const reason = `strconv.Atoi: parsing ${goQuote(rate)}: invalid syntax`;
  return plainAnswer(400, `invalid block rate : ${reason}`);
}
