/**
 * The metrics of the broker as a whole.
 *
 * Thread: any.
 */

import type { Sample } from '../../../daemon/metrics/metric.ts';
import { NSQD_VERSION, RINGMQ_VERSION } from '../../../daemon/version.ts';
import type { RingStatistics, ThreadStatistics } from '../../stats/node-statistics.ts';
import type { NodeMetric } from './metric.ts';

/** The metrics of the broker, in the order in which they are written. */
// biome-ignore format: a table is read row by row
export const NODE_METRICS: readonly NodeMetric[] = [
  { name: 'ringmq_build', kind: 'info', unit: '', labels: ['version', 'nsqd_version', 'node_version'],
    help: 'Versions of RingMQ, of the nsqd that it replaces, and of Node.',
    read: () => [[[['version', RINGMQ_VERSION], ['nsqd_version', NSQD_VERSION],
      ['node_version', process.versions.node]], 1]] },
  { name: 'process_start_time_seconds', kind: 'gauge', unit: 'seconds', labels: [],
    help: 'Unix time of the start of the broker.',
    read: (node) => one(node.startTime) },
  { name: 'process_cpu_seconds', kind: 'counter', unit: 'seconds', labels: [],
    help: 'CPU time of the process, user and system.',
    read: (node) => one(node.cpu) },
  { name: 'process_resident_memory_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Resident memory of the process.',
    read: (node) => one(node.memory.resident) },
  { name: 'ringmq_memory_limit_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'The limit of --max-memory; absent without one.',
    read: (node) => known(node.memory.limit) },
  { name: 'ringmq_message_memory_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Memory that messages take in the pump threads.',
    read: (node) => one(node.memory.messages) },
  { name: 'ringmq_message_memory_limit_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'The part of --max-memory for messages; absent without a limit.',
    read: (node) => known(node.memory.messagesLimit) },
  { name: 'ringmq_external_memory_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Memory of the main thread outside its heap, including buffers.',
    read: (node) => one(node.memory.external) },
  { name: 'ringmq_buffer_memory_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Memory of the buffers of the main thread, including shared ones.',
    read: (node) => one(node.memory.buffers) },

  { name: 'ringmq_healthy', kind: 'gauge', unit: '', labels: [],
    help: 'Whether /ping says OK: 1, or 0.',
    read: (node) => one(Number(node.isHealthy)) },
  { name: 'ringmq_ready', kind: 'gauge', unit: '', labels: [],
    help: 'Whether /readyz says that the broker is ready: 1, or 0.',
    read: (node) => one(Number(node.isReady)) },
  { name: 'ringmq_draining', kind: 'gauge', unit: '', labels: [],
    help: 'Whether the broker is draining: 1, or 0.',
    read: (node) => one(Number(node.isDraining)) },
  { name: 'ringmq_store_up', kind: 'gauge', unit: '', labels: [],
    help: 'Whether the store of replicated topics is available: 1, or 0; absent without --nats-url.',
    read: (node) => node.isStoreThere === null ? [] : one(Number(node.isStoreThere)) },
  { name: 'ringmq_store_stalls', kind: 'counter', unit: '', labels: [],
    help: 'How often a channel in the store had messages and handed out none; absent without --nats-url.',
    read: (node) => known(node.storeStalls) },

  { name: 'ringmq_connections', kind: 'gauge', unit: '', labels: ['protocol'],
    help: 'Connections of clients.',
    read: ({ connections }) => [
      [[['protocol', 'tcp']], connections.tcp], [[['protocol', 'http']], connections.http]] },
  { name: 'ringmq_connections_limit', kind: 'gauge', unit: '', labels: [],
    help: 'Most connections of clients; HTTP may have 16 more.',
    read: ({ connections }) => one(connections.max) },
  { name: 'ringmq_connections_refused', kind: 'counter', unit: '', labels: [],
    help: 'Connections that were refused, or could not be accepted.',
    read: ({ connections }) => one(connections.refused) },
  { name: 'ringmq_failed_inputs', kind: 'counter', unit: '', labels: [],
    help: 'Clients and requests that were ended because handling their input failed.',
    read: (node) => one(node.failedInputs) },
  { name: 'ringmq_commands', kind: 'counter', unit: '', labels: ['command'],
    help: 'Commands of TCP clients, including refused ones.',
    read: (node) => node.commands.map(([name, count]) => [[['command', name]], count]) },
  { name: 'ringmq_http_requests', kind: 'counter', unit: '', labels: ['code'],
    help: 'HTTP requests, by the class of their status.',
    read: (node) => node.httpAnswers.map(([name, count]) => [[['code', name]], count]) },
  { name: 'ringmq_received_bytes', kind: 'counter', unit: 'bytes', labels: [],
    help: 'Bytes of the protocol received over TCP, after TLS and decompression.',
    read: (node) => one(node.received) },
  { name: 'ringmq_sent_bytes', kind: 'counter', unit: 'bytes', labels: [],
    help: 'Bytes of the protocol sent over TCP, before compression and TLS.',
    read: (node) => one(node.sent) },

  { name: 'ringmq_publish_acknowledgement_seconds', kind: 'histogram', unit: 'seconds', labels: [],
    help: 'Time from a publish to its answer.',
    read: (node) => node.acknowledgement },
  { name: 'ringmq_publish_to_deliver_seconds', kind: 'histogram', unit: 'seconds', labels: [],
    help: 'Time from the publish of a message to each delivery to a consumer.',
    read: (node) => node.publishToDeliver },
  { name: 'ringmq_deliver_to_finish_seconds', kind: 'histogram', unit: 'seconds', labels: [],
    help: 'Time from the delivery of a message to its FIN.',
    read: (node) => node.deliverToFinish },
  { name: 'ringmq_disk_sync_seconds', kind: 'histogram', unit: 'seconds', labels: [],
    help: 'Duration of file syncs (fsync).',
    read: (node) => node.sync },

  { name: 'ringmq_disk_read_bytes', kind: 'counter', unit: 'bytes', labels: [],
    help: 'Bytes that the disk threads have read from files.',
    read: (node) => one(node.disk.read) },
  { name: 'ringmq_disk_written_bytes', kind: 'counter', unit: 'bytes', labels: [],
    help: 'Bytes that the disk threads have written to files.',
    read: (node) => one(node.disk.written) },
  { name: 'ringmq_disk_free_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Free space on the volume of --data-path; absent if it is not known, or without --min-free-disk.',
    read: ({ disk }) => known(disk.volume?.free ?? null) },
  { name: 'ringmq_disk_min_free_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Free space below which publishes are refused (--min-free-disk).',
    read: ({ disk }) => known(disk.volume?.minFree ?? null) },
  { name: 'ringmq_disk_size_bytes', kind: 'gauge', unit: 'bytes', labels: [],
    help: 'Size of the volume of --data-path.',
    read: ({ disk }) => known(disk.volume?.size ?? null) },

  { name: 'ringmq_thread_busy_seconds', kind: 'counter', unit: 'seconds', labels: ['thread'],
    help: 'Time in which the thread was not waiting; its rate is the busy share.',
    read: ({ threads }) => byThread(threads, ({ busy }) => busy) },
  { name: 'ringmq_thread_turns', kind: 'counter', unit: '', labels: ['thread'],
    help: 'Turns of the thread that had work.',
    read: ({ threads }) => byThread(threads, ({ turns }) => turns) },
  { name: 'ringmq_thread_heap_bytes', kind: 'gauge', unit: 'bytes', labels: ['thread'],
    help: 'Used bytes of the heap of the thread.',
    read: ({ threads }) => byThread(withHeap(threads), ({ heapUsed }) => heapUsed) },
  { name: 'ringmq_thread_heap_limit_bytes', kind: 'gauge', unit: 'bytes', labels: ['thread'],
    help: 'Limit of the heap of the thread.',
    read: ({ threads }) => byThread(withHeap(threads), ({ heapLimit }) => heapLimit) },
  { name: 'ringmq_ring_used_bytes', kind: 'gauge', unit: 'bytes', labels: ['ring', 'pump', 'disk'],
    help: 'Bytes in a ring between two threads: publish, command and deliver between main and a pump, ' +
      'request and reply between a pump and a disk thread.',
    read: ({ rings }) => byRing(rings, ({ used }) => used) },
  { name: 'ringmq_ring_capacity_bytes', kind: 'gauge', unit: 'bytes', labels: ['ring', 'pump', 'disk'],
    help: 'Size of a ring.',
    read: ({ rings }) => byRing(rings, ({ capacity }) => capacity) },
  { name: 'ringmq_event_loop_delay_seconds', kind: 'histogram', unit: 'seconds', labels: [],
    help: 'How late the event loop of the main thread is, sampled every 100 ms.',
    read: (node) => node.loopDelay },
  { name: 'ringmq_gc_seconds', kind: 'counter', unit: 'seconds', labels: ['kind'],
    help: 'Time that garbage collections of the main thread have taken.',
    read: ({ collections }) => collections.map(({ kind, seconds }) => [[['kind', kind]], seconds]) },
  { name: 'ringmq_gc_runs', kind: 'counter', unit: '', labels: ['kind'],
    help: 'Garbage collections of the main thread.',
    read: ({ collections }) => collections.map(({ kind, count }) => [[['kind', kind]], count]) },
];

function one(value: number): readonly Sample[] {
  return [[[], value]];
}

function known(value: number | null): readonly Sample[] {
  return value === null ? [] : one(value);
}

function byThread(
  threads: readonly ThreadStatistics[],
  read: (thread: ThreadStatistics) => number,
): readonly Sample[] {
  return threads.map((thread) => [[['thread', thread.name]], read(thread)]);
}

/** The loops of a broker in memory share the heap of main. */
function withHeap(threads: readonly ThreadStatistics[]): readonly ThreadStatistics[] {
  return threads.filter(({ heapLimit }) => heapLimit > 0);
}

/** The main thread's rings have no disk thread. An empty label equals no label. */
function byRing(
  rings: readonly RingStatistics[],
  read: (ring: RingStatistics) => number,
): readonly Sample[] {
  return rings.map((ring) => {
    const { name, pump, disk } = ring;
    const ends = [
      ['ring', name],
      ['pump', pump.toString()],
    ] as const;
    return [disk === null ? ends : [...ends, ['disk', disk.toString()]], read(ring)];
  });
}
