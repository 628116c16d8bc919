/** Which servers are driven, by the options that name them, and what they say of themselves. */

import { BROKER_PROGRAM } from './places.ts';
import type { ServerFact } from './report/report.ts';
import type { RunValues } from './run-options.ts';
import type { Role, Target } from './target.ts';
import type { TargetSpec } from './target-spec.ts';
import { type Address, spellAddress } from './wire/address.ts';
import { introduce } from './wire/connect.ts';

/** The first server, and those that it is compared with in the same runs. */
export function specsOf(values: RunValues, hasSink: boolean): TargetSpec[] {
  const specs: TargetSpec[] = [];
  if (values.address !== null) {
    specs.push(running('server', values.address, values.httpAddress));
  } else {
    const words =
      values.server === null ? [process.execPath, BROKER_PROGRAM] : splitWords(values.server);
    const flags = values.serverFlags === null ? [] : splitWords(values.serverFlags);
    specs.push({ role: 'server', kind: 'start', words: [...words, ...flags] });
  }
  if (values.against !== null) {
    specs.push(running('against', values.against, values.againstHttpAddress));
  } else if (values.againstServer !== null) {
    specs.push({ role: 'against', kind: 'start', words: splitWords(values.againstServer) });
  }
  if (hasSink) specs.push({ role: 'null sink', kind: 'sink' });
  return specs;
}

/** Words as a shell would split them: at blanks, quotes keeping together what is between them. */
export function splitWords(text: string): string[] {
  const pieces = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return pieces.map((piece) => piece.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

/** What is known of the servers, for the report. */
export class ServerFacts {
  readonly #whats = new Map<Role, string>();
  readonly #versions = new Map<Role, string>();

  constructor(specs: readonly TargetSpec[]) {
    for (const spec of specs) this.#whats.set(spec.role, describe(spec));
  }

  /** Asks a server for its version, once. Errors: rejects when it does not speak the protocol. */
  async learn(target: Target): Promise<void> {
    if (target.role === 'null sink' || this.#versions.has(target.role)) return;
    const { version } = await introduce(target.address);
    this.#versions.set(target.role, String(version));
  }

  list(): ServerFact[] {
    return [...this.#whats].map(([role, what]) => ({
      role,
      what,
      version: this.#versions.get(role) ?? null,
    }));
  }
}

/** nsqd's own HTTP port is one further than its TCP port. */
function running(role: Role, address: Address, httpAddress: Address | null): TargetSpec {
  const beside = { host: address.host, port: address.port + 1 };
  return { role, kind: 'running', address, httpAddress: httpAddress ?? beside };
}

function describe(spec: TargetSpec): string {
  switch (spec.kind) {
    case 'start':
      return spec.words.join(' ');
    case 'running':
      return spellAddress(spec.address);
    case 'sink':
      return 'the bundled null sink';
  }
}
