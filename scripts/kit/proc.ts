/**
 * Data of Linux about a process: its CPU time and memory, and which process listens on a port.
 *
 * Errors: none; undefined if a process does not exist or belongs to another user.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import type { HostPort } from '../../src/daemon/host-port.ts';

/** Ticks per second in /proc, on every Linux that Node supports. */
const TICKS_PER_SECOND = 100;
/** The state of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/** User and system CPU time so far, of all threads. Units: µs, in steps of 10 ms. */
export function cpuUsOf(pid: number): number | undefined {
  return attempt(() => parseCpuUs(readFileSync(`/proc/${pid}/stat`, 'utf8')));
}

/** One thread. Units: `startTicks` ticks since the machine's start; `cpuUs` µs so far, in steps of 10 ms. */
export type ThreadTime = {
  readonly id: number;
  /** Its name, given by the program or by Node; many threads may have the same one. */
  readonly name: string;
  readonly startTicks: number;
  readonly cpuUs: number;
};

/** All threads of a process, including the main thread, whose id is that of the process. */
export function threadsOf(pid: number): ThreadTime[] | undefined {
  const directory = `/proc/${pid}/task`;
  const ids = attempt(() => readdirSync(directory));
  // a thread that ends between the two readings is left out
  return ids?.flatMap(
    (id) => attempt(() => parseThread(readFileSync(`${directory}/${id}/stat`, 'utf8'))) ?? [],
  );
}

/** Largest resident size so far. Units: MiB. */
export function peakMibOf(pid: number): number | undefined {
  return attempt(() => parseMib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmHWM'));
}

/** Resident size. Units: MiB. */
export function residentMibOf(pid: number): number | undefined {
  return attempt(() => parseMib(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS'));
}

/** Open descriptors of a process. */
export function descriptorCountOf(pid: number): number | undefined {
  return attempt(() => readdirSync(`/proc/${pid}/fd`).length);
}

/** The process that listens on a port, if it is on this machine and accessible. */
export function listenerOf({ host, port }: HostPort): number | undefined {
  if (!isLocal(host)) return undefined;
  return attempt(() => {
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(
      (file) => attempt(() => readFileSync(file, 'utf8')) ?? '',
    );
    const sockets = new Set(tables.flatMap((table) => parseListeners(table, port)));
    if (sockets.size === 0) return undefined;
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).find((pid) => holdsOne(pid, sockets));
  });
}

/** The CPU time in a /proc/<pid>/stat. Units: µs. */
export function parseCpuUs(stat: string): number {
  return cpuUsIn(fieldsBehindName(stat));
}

/** The contents of a /proc/<pid>/task/<id>/stat. */
export function parseThread(stat: string): ThreadTime {
  const nameAt = stat.indexOf('(');
  const fields = fieldsBehindName(stat);
  return {
    id: Number(stat.slice(0, nameAt)),
    name: stat.slice(nameAt + 1, stat.lastIndexOf(')')),
    startTicks: Number(fields[19]),
    cpuUs: cpuUsIn(fields),
  };
}

/** The name in parentheses may contain spaces and parentheses; the fields after it do not. */
function fieldsBehindName(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function cpuUsIn(fields: readonly string[]): number {
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** A size in a /proc/<pid>/status. Units: MiB. */
export function parseMib(status: string, field: string): number | undefined {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return kib === undefined ? undefined : Number(kib) / 1024;
}

/** The inodes of the sockets in a /proc/net/tcp that listen on a port. */
export function parseListeners(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === LISTENING)
    .map((fields) => fields[9]);
}

function holdsOne(pid: number, sockets: ReadonlySet<string>): boolean {
  const directory = `/proc/${pid}/fd`;
  const files = attempt(() => readdirSync(directory)) ?? [];
  return files.some((file) => {
    const target = attempt(() => readlinkSync(`${directory}/${file}`)) ?? '';
    return sockets.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '');
  });
}

function isLocal(host: string): boolean {
  if (host === 'localhost' || host.startsWith('127.') || host === '::1') return true;
  const addresses = Object.values(os.networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.some(({ address }) => address === host);
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // a process that has ended meanwhile, one of another user, or a system without /proc
    if (error instanceof Error && 'code' in error) return undefined;
    throw error;
  }
}
