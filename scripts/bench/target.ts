/**
 * A server under load, for one run: its description, how it is started or found, and what can be measured of it from
 * outside.
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { HostPort } from '../../src/daemon/host-port.ts';
import {
  cpuUsOf,
  listenerOf,
  peakMibOf,
  residentMibOf,
  type ThreadTime,
  threadsOf,
} from '../kit/proc.ts';
import { makeCertificate } from './certificates.ts';
import type { CleanUp } from './clean-up.ts';
import { NULL_SINK_PROGRAM } from './places.ts';
import { freePorts, ServerProcess } from './processes.ts';

/** A server that is started for a run. */
export type StartedSpec = {
  readonly role: Role;
  readonly kind: 'start';
  readonly words: readonly string[];
};

/** How to obtain a server. */
export type TargetSpec =
  | StartedSpec
  | {
      readonly role: Role;
      readonly kind: 'running';
      readonly address: HostPort;
      readonly httpAddress: HostPort;
    }
  | { readonly role: Role; readonly kind: 'sink' };

/** What a load requires of a server that is started for it. */
export type ServerNeeds = {
  readonly memQueueSize: number;
  readonly hasTls: boolean;
  /** Its flags besides addresses and the data directory. */
  readonly flags: readonly string[];
  /** Writes the files that must be in the data directory at the start. */
  readonly prepare: ((dataPath: string) => void) | null;
};

/** The null sink that can take the load: over TCP, with the bytes of a command. */
export type Sink =
  | { readonly protocol: 'tcp'; readonly commandBytes: number }
  | { readonly protocol: 'http' };

/** The role of the server in a run, or the client library. */
export type Role =
  | 'server'
  | 'against'
  | 'null sink'
  | `broker ${number}`
  | 'all brokers'
  | 'ringmq/client'
  | 'nsqjs';

export class Target {
  readonly role: Role;
  readonly address: HostPort;
  readonly httpAddress: HostPort;
  /** Undefined if it is not on this machine, or belongs to another user. */
  readonly pid: number | undefined;
  /** Null if it was not started for this run. */
  readonly process: ServerProcess | null;

  readonly #close: () => Promise<void>;
  /** The largest sampled memory, for a server that may have had more before. */
  #seenMib: number | undefined;

  /** `close` ends what was started for it. */
  constructor(
    parts: Pick<Target, 'role' | 'address' | 'httpAddress' | 'pid' | 'process'>,
    close: () => Promise<void>,
  ) {
    this.role = parts.role;
    this.address = parts.address;
    this.httpAddress = parts.httpAddress;
    this.pid = parts.pid;
    this.process = parts.process;
    this.#close = close;
  }

  /** CPU time so far. Units: µs. */
  cpuUs(): number | undefined {
    return this.pid === undefined ? undefined : cpuUsOf(this.pid);
  }

  /** Its threads, each with its CPU time so far. */
  threads(): readonly ThreadTime[] | undefined {
    return this.pid === undefined ? undefined : threadsOf(this.pid);
  }

  /** Resident size. Units: MiB. */
  residentMib(): number | undefined {
    const mib = this.pid === undefined ? undefined : residentMibOf(this.pid);
    if (mib !== undefined) this.#seenMib = Math.max(mib, this.#seenMib ?? 0);
    return mib;
  }

  /**
   * The largest resident size: since its start if it was started for this run, otherwise of all samples.
   * Units: MiB.
   */
  peakMib(): number | undefined {
    if (this.process !== null) return peakMibOf(this.process.pid);
    this.residentMib();
    return this.#seenMib;
  }

  /** Ends what was started. */
  close(): Promise<void> {
    return this.#close();
  }
}

const HOST = '127.0.0.1';

/** The environment of a run. */
export type Site = {
  readonly cleanUp: CleanUp;
  /** Where data directories are created; null is the system's temporary directory. */
  readonly dataPath: string | null;
};

/** Starts or finds the server of a spec. Errors: rejects if a server cannot be started. */
export async function openTarget(
  spec: TargetSpec,
  needs: ServerNeeds,
  sink: Sink | null,
  site: Site,
): Promise<Target> {
  switch (spec.kind) {
    case 'running':
      return new Target({ ...spec, pid: listenerOf(spec.address), process: null }, () =>
        Promise.resolve(),
      );
    case 'sink':
      if (sink === null) throw new Error('this load has no null sink');
      return await openSink(spec.role, sink, site);
    case 'start':
      return await openBroker(spec.role, spec.words, needs, site);
  }
}

async function openSink(role: Role, sink: Sink, site: Site): Promise<Target> {
  const [port] = await freePorts(1);
  const what = sink.protocol === 'tcp' ? String(sink.commandBytes) : 'http';
  const words = [NULL_SINK_PROGRAM, String(port), what];
  const started = await ServerProcess.start([process.execPath, ...words], port, site.cleanUp);
  return targetOf(role, [port, port], started, () => started.kill());
}

async function openBroker(
  role: Role,
  words: readonly string[],
  needs: ServerNeeds,
  site: Site,
): Promise<Target> {
  const ports = await freePorts(2);
  const dataPath = makeDataPath(site.dataPath ?? os.tmpdir());
  const remove = (): void => rmSync(dataPath, { recursive: true, force: true });
  const forget = site.cleanUp.add(remove);
  needs.prepare?.(dataPath);
  const flags = [
    `--tcp-address=${HOST}:${ports[0]}`,
    `--http-address=${HOST}:${ports[1]}`,
    '--https-address=',
    `--data-path=${dataPath}`,
    `--mem-queue-size=${needs.memQueueSize}`,
    '--log-level=error',
    ...(needs.hasTls ? writeCertificate(dataPath) : []),
    ...needs.flags,
  ];
  const started = await ServerProcess.start([...words, ...flags], ports[0], site.cleanUp);
  return targetOf(role, ports, started, async () => {
    await started.kill();
    remove();
    forget();
  });
}

function makeDataPath(parent: string): string {
  try {
    return mkdtempSync(path.join(parent, 'ringmq-bench-'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`make a directory for data in "${parent}": ${why}`, { cause });
  }
}

function targetOf(
  role: Role,
  ports: readonly number[],
  started: ServerProcess,
  close: () => Promise<void>,
): Target {
  const address = { host: HOST, port: ports[0] };
  const httpAddress = { host: HOST, port: ports[1] };
  return new Target({ role, address, httpAddress, pid: started.pid, process: started }, close);
}

/** Creates a certificate. Returns the flags that name it. */
function writeCertificate(dataPath: string): string[] {
  const { cert, key } = makeCertificate({ commonName: 'localhost' });
  const certPath = path.join(dataPath, 'cert.pem');
  const keyPath = path.join(dataPath, 'key.pem');
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
  return [`--tls-cert=${certPath}`, `--tls-key=${keyPath}`];
}
