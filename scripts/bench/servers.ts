/** Which servers are driven, according to the options, and what they report about themselves. */

import { type HostPort, joinHostPort } from '../../src/daemon/host-port.ts';
import { BROKER_PROGRAM } from './places.ts';
import type { ServerFact } from './report/report.ts';
import type { RunValues } from './run-options.ts';
import { ask } from './server-queries.ts';
import type { Role, StartedSpec, Target, TargetSpec } from './target.ts';
import { introduce } from './wire/link.ts';

/** The first server, and those that it is compared with in the same runs. */
export function specsOf(values: RunValues, hasSink: boolean): TargetSpec[] {
  const specs: TargetSpec[] = [];
  if (values.address !== null) {
    specs.push(running('server', values.address, values.httpAddress));
  } else {
    specs.push(startedSpec('server', values));
  }
  if (values.against !== null) {
    specs.push(running('against', values.against, values.againstHttpAddress));
  } else if (values.againstServer !== null) {
    specs.push({ role: 'against', kind: 'start', words: splitWords(values.againstServer) });
  }
  if (hasSink) specs.push({ role: 'null sink', kind: 'sink' });
  return specs;
}

/** A server that is started: this broker, unless a command names another. */
export function startedSpec(
  role: Role,
  { server, serverFlags }: Pick<RunValues, 'server' | 'serverFlags'>,
): StartedSpec {
  const words = server === null ? [process.execPath, BROKER_PROGRAM] : splitWords(server);
  const flags = serverFlags === null ? [] : splitWords(serverFlags);
  return { role, kind: 'start', words: [...words, ...flags] };
}

/** Words as a shell splits them: at blanks, except within quotes. */
export function splitWords(text: string): string[] {
  const pieces = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return pieces.map((piece) => piece.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** Collects what is known about the servers, for the report. */
export class ServerFacts {
  readonly #whats = new Map<Role, string>();
  readonly #versions = new Map<Role, string>();
  readonly #names = new Map<Role, string>();

  constructor(specs: readonly TargetSpec[]) {
    for (const spec of specs) this.#whats.set(spec.role, describe(spec));
  }

  /**
   * Asks a server for its version, once for each role in the report.
   * Errors: rejects if it does not speak the protocol.
   */
  async learn({ address, httpAddress, role: own }: Target, role = own): Promise<void> {
    if (role === 'null sink' || this.#versions.has(role)) return;
    const { version } = await introduce(address);
    this.#versions.set(role, String(version));
    this.#names.set(role, await programName(httpAddress, String(version)));
  }

  list(): ServerFact[] {
    return [...this.#whats].map(([role, what]) => ({
      role,
      what,
      version: this.#versions.get(role) ?? null,
      name: role === 'null sink' ? role : (this.#names.get(role) ?? null),
    }));
  }
}

/** The versions that it was built with are available only over HTTP, which a server may not have. */
async function programName(httpAddress: HostPort, version: string): Promise<string> {
  const text = await ask(httpAddress, 'GET', '/stats?topic=none').catch(() => '');
  const own = /\(built w\/ringmq([\d.]+)/.exec(text)?.[1];
  return own === undefined ? `nsqd ${version}` : `RingMQ ${own}`;
}

/** By default nsqd's HTTP port is one above its TCP port. */
function running(role: Role, address: HostPort, httpAddress: HostPort | null): TargetSpec {
  const beside = { host: address.host, port: address.port + 1 };
  return { role, kind: 'running', address, httpAddress: httpAddress ?? beside };
}

function describe(spec: TargetSpec): string {
  switch (spec.kind) {
    case 'start':
      return spec.words.join(' ');
    case 'running':
      return joinHostPort(spec.address.host, spec.address.port);
    case 'sink':
      return 'the bundled null sink';
  }
}
