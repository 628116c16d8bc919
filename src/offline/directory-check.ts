/**
 * Reads a whole data directory of RingMQ or nsqd as a starting broker does, and writes nothing: changes by the broker's
 * readers stay in memory.
 *
 * Thread: main. Bound: one queue at a time.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DataPathInUse, lockDataPath } from '../daemon/data-lock.ts';
import { InvalidValue } from '../daemon/options/invalid-value.ts';
import { DISK_FILES } from '../daemon/text-files.ts';
import { parsePolicyFile } from '../main/policies/policy-store.ts';
import { findOrphans } from '../main/storage/orphans.ts';
import { SeenMessages } from '../main/storage/seen-messages.ts';
import { Metadata, type SavedTopic } from '../main/topics/metadata.ts';
import type { Clock } from '../shared/clock.ts';
import { POLICIES_FILE, SIDECAR_DIRECTORY } from '../shared/data-files.ts';
import { errorText } from '../shared/error-text.ts';
import type { DiskQueueOptions } from '../workers/disk/disk-queue-options.ts';
import { LOG_ERROR } from '../workers/disk/files/disk-log.ts';
import { DiskScratch } from '../workers/disk/files/disk-scratch.ts';
import { NodeFileSystem } from '../workers/disk/files/file-system.ts';
import { OpenFiles } from '../workers/disk/files/open-files.ts';
import { SegmentIndex } from '../workers/disk/files/segment-index.ts';
import { SidecarPatience } from '../workers/disk/files/sidecar-patience.ts';
import { recoverJournals } from '../workers/disk/journal/journal-recovery.ts';
import { OverlayFileSystem } from './overlay-file-system.ts';
import { type Finding, QueueCheck, type QueueCount } from './queue-check.ts';

/** A topic's or a channel's queue. Shape: `channel` is null for the topic's own. */
type QueueReport = QueueCount & {
  readonly topic: string;
  readonly channel: string | null;
  readonly state: 'ready' | 'paused' | 'not in nsqd.dat';
};

/** The result for a directory. */
export type DirectoryReport = {
  /** Who uses the directory now; null if no broker does. */
  readonly usedBy: string | null;
  readonly queues: readonly QueueReport[];
  /** Findings about files that do not belong to queues. */
  readonly findings: readonly Finding[];
  readonly verdict: 'whole' | 'damaged' | 'unreadable';
};

/** The dependencies of a check. */
export type DirectorySetup = {
  readonly dataPath: string;
  /** As the broker's `--max-msg-size`: larger records count as damage. */
  readonly maxMsgSize: number;
  readonly clock: Clock;
  /** Called with the queue that is read and the bytes read so far. */
  readonly onProgress: (queue: string, bytes: number) => void;
};

/** A check appends nothing, so any size will do. */
const MAX_BYTES_PER_FILE = Number.MAX_SAFE_INTEGER;
const OPEN_FILES_MAX = 64;

/** Reads the directory. Errors: rejects if it does not exist or cannot be listed. */
export async function checkDirectory(setup: DirectorySetup): Promise<DirectoryReport> {
  const { dataPath } = setup;
  readdirSync(dataPath);
  const usedBy = await userOf(dataPath);
  const findings: Finding[] = [];
  const topics = await loadTopics(setup, findings);
  await checkPolicies(dataPath, findings);
  await checkSeen(setup, findings);
  const queues = checkQueues(setup, topics, findings);
  if (queues.length === 0 && !existsSync(join(dataPath, 'nsqd.dat'))) {
    findings.push(
      finding('note', 'nsqd.dat', 'missing, as are data files: no broker has used this directory'),
    );
  }
  const all = [...findings, ...queues.flatMap((queue) => queue.findings)];
  const has = (sought: Finding['kind']): boolean => all.some(({ kind }) => kind === sought);
  const damaged = has('damage') ? 'damaged' : 'whole';
  return { usedBy, queues, findings, verdict: has('unreadable') ? 'unreadable' : damaged };
}

/** Takes the lock for an instant, to see whether a broker has it. */
async function userOf(dataPath: string): Promise<string | null> {
  try {
    const lock = await lockDataPath(dataPath, () => undefined);
    await lock.release();
    return null;
  } catch (error) {
    if (error instanceof DataPathInUse) return errorText(error);
    throw error;
  }
}

async function loadTopics(
  { dataPath, clock }: DirectorySetup,
  findings: Finding[],
): Promise<SavedTopic[]> {
  const note = (text: string): void => void findings.push(finding('note', 'nsqd.dat', text));
  const logger = { info: note, warn: note, error: note };
  try {
    return await new Metadata({ dataPath, clock, logger, source: () => [] }).load();
  } catch (error) {
    findings.push(finding('damage', 'nsqd.dat', `a broker does not start: ${errorText(error)}`));
    return [];
  }
}

async function checkPolicies(dataPath: string, findings: Finding[]): Promise<void> {
  const file = `${SIDECAR_DIRECTORY}/${POLICIES_FILE}`;
  try {
    const text = await DISK_FILES.read(join(dataPath, file));
    const policies = text === undefined ? [] : parsePolicyFile(text);
    if (!(policies instanceof InvalidValue)) return;
    findings.push(
      finding(
        'damage',
        file,
        `a broker does not start, because it cannot be parsed - ${policies.why}`,
      ),
    );
  } catch (error) {
    findings.push(finding('unreadable', file, errorText(error)));
  }
}

async function checkSeen({ dataPath, clock }: DirectorySetup, findings: Finding[]): Promise<void> {
  const note = (text: string): void =>
    void findings.push(finding('note', `${SIDECAR_DIRECTORY}/seen.json`, text));
  await new SeenMessages({
    dataPath,
    clock,
    logger: { info: note, warn: note, error: note },
  }).load();
}

function checkQueues(
  setup: DirectorySetup,
  topics: readonly SavedTopic[],
  findings: Finding[],
): QueueReport[] {
  const { dataPath, clock } = setup;
  const options = diskOptions(setup, findings);
  if (options === undefined) return [];
  const nowNs = clock.unixNs();
  const queues: QueueReport[] = [];
  let done = 0;
  for (const { topic, channel, state } of namesOf(dataPath, topics)) {
    const name = channel === null ? topic : `${topic}:${channel}`;
    setup.onProgress(name, done);
    const check = new QueueCheck(name, options, nowNs).run();
    let step = check.next();
    while (step.done !== true) {
      done += step.value;
      setup.onProgress(name, done);
      step = check.next();
    }
    queues.push({ topic, channel, state, ...step.value });
    options.openFiles.closeAll('');
  }
  return queues;
}

/** The shared parts of all queues, after the journals were recovered in memory; undefined if these cannot be read. */
function diskOptions(
  { dataPath, maxMsgSize }: DirectorySetup,
  findings: Finding[],
): DiskQueueOptions | undefined {
  const fileSystem = new OverlayFileSystem(new NodeFileSystem());
  try {
    recoverJournals({
      ...{ fileSystem, dataPath },
      log: (level, text) =>
        void findings.push(finding(level === LOG_ERROR ? 'damage' : 'note', null, text)),
    });
  } catch (error) {
    findings.push(finding('unreadable', null, errorText(error)));
    return undefined;
  }
  return {
    ...{ fileSystem, dataPath, maxMsgSize },
    openFiles: new OpenFiles(fileSystem, OPEN_FILES_MAX, new DiskScratch()),
    index: new SegmentIndex(fileSystem, dataPath),
    patience: new SidecarPatience(),
    maxBytesPerFile: MAX_BYTES_PER_FILE,
    syncEvery: Number.MAX_SAFE_INTEGER,
  };
}

type QueueName = Pick<QueueReport, 'topic' | 'channel' | 'state'>;

/** The queues that a broker would open, and those that it would ignore. */
function namesOf(dataPath: string, topics: readonly SavedTopic[]): QueueName[] {
  const stateOf = (isPaused: boolean): QueueName['state'] => (isPaused ? 'paused' : 'ready');
  const saved = topics.flatMap(({ name, isPaused, channels }): QueueName[] => [
    { topic: name, channel: null, state: stateOf(isPaused) },
    ...channels.map((channel) => ({
      ...{ topic: name, channel: channel.name, state: stateOf(channel.isPaused) },
    })),
  ]);
  const orphans = findOrphans(dataPath, topics).map(
    ({ topic, channel }): QueueName => ({
      ...{ topic, channel: channel ?? null, state: 'not in nsqd.dat' },
    }),
  );
  return [...saved, ...orphans];
}

function finding(kind: Finding['kind'], file: string | null, text: string): Finding {
  return { kind, file, position: null, text };
}
