/**
 * What Go's profiler can mean in Node, under its paths.
 *
 * | path | here |
 * |---|---|
 * | /debug/pprof/ | a page that lists the others |
 * | /debug/pprof/cmdline | the command line, words separated by zero bytes |
 * | /debug/pprof/profile | a CPU profile of the main thread as JSON; `seconds` from 1 to 300, by default 30 |
 * | /debug/pprof/heap | a snapshot of the main thread's heap; it stalls the program |
 * | /debug/pprof/goroutine, block, threadcreate, symbol | 404: Node has nothing of the kind |
 *
 * Thread: main.
 */

import type { Clock } from '../../shared/clock.ts';
import { goQuote } from '../go/go-text.ts';
import { type Answer, fileAnswer, htmlAnswer, plainAnswer } from '../http/answer.ts';
import type { Exchange } from '../http/exchange.ts';
import { Query } from '../http/query.ts';
import type { Route } from '../http/router.ts';
import type { Logger } from '../log.ts';
import { CpuProfiler } from './cpu-profiler.ts';
import { HeapSnapshots } from './heap-snapshots.ts';
import type { Stalls } from './stalls.ts';

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
<li><a href="heap">heap</a>: heap snapshot of the main thread; the broker is blocked while it is taken
</ul>
`,
);

/** The endpoints under `/debug/pprof`, without a check of who asks. */
export function profileRoutes(stalls: Stalls, clock: Clock, logger: Logger): Route[] {
  const profiler = new CpuProfiler(stalls);
  const snapshots = new HeapSnapshots(logger, stalls);
  const get = (path: string, handle: (exchange: Exchange) => void): Route => {
    return { method: 'GET', path, isQuiet: false, handle };
  };
  return [
    get('/debug/pprof/', (exchange) => exchange.answer(INDEX)),
    get('/debug/pprof/cmdline', (exchange) => exchange.answer(plainAnswer(200, commandLine()))),
    get('/debug/pprof/profile', (exchange) =>
      exchange.answerWith(profile(exchange, profiler, clock)),
    ),
    get('/debug/pprof/heap', (exchange) => snapshots.send(exchange)),
  ];
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
