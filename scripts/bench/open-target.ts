/** Comes by a server for one run: starts a broker or a sink, or looks at one that runs. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeCertificate } from '../../test/support/certificates.ts';
import type { CleanUp } from './clean-up.ts';
import { NULL_SINK_PROGRAM } from './places.ts';
import { listenerOf } from './proc.ts';
import { freePorts, ServerProcess } from './server-process.ts';
import { type Role, Target } from './target.ts';
import type { ServerNeeds, Sink, TargetSpec } from './target-spec.ts';

const HOST = '127.0.0.1';

/** What is around a run. */
export type Site = {
  readonly cleanUp: CleanUp;
  /** Where directories for data are made; null is the system's own place. */
  readonly dataPath: string | null;
};

/** Opens what the spec says. Errors: rejects when a server cannot be started. */
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

/** Makes a certificate; returns the flags that name it. */
function writeCertificate(dataPath: string): string[] {
  const { cert, key } = makeCertificate({ commonName: 'localhost' });
  const certPath = path.join(dataPath, 'cert.pem');
  const keyPath = path.join(dataPath, 'key.pem');
  writeFileSync(certPath, cert);
  writeFileSync(keyPath, key);
  return [`--tls-cert=${certPath}`, `--tls-key=${keyPath}`];
}
