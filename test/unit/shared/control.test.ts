import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ControlReply,
  type ControlRequest,
  decodeControl,
  encodeControl,
  type PumpEvent,
} from '../../../src/shared/control.ts';
import { policyWith } from '../../support/topic-policies.ts';

const VALUES: readonly (ControlRequest | ControlReply | PumpEvent)[] = [
  {
    do: 'createTopic',
    topic: 1,
    name: 'täglich#ephemeral',
    isPaused: true,
    isStarted: false,
    isReplicated: false,
    policy: policyWith(),
  },
  {
    do: 'subscribe',
    topic: 1,
    channel: 2,
    consumer: 2 ** 32 - 1,
    msgTimeoutMs: 1.5,
    sampleRate: 99,
    locality: 'global',
  },
  { do: 'stats', topics: [1], channels: [], consumers: [2 ** 32 - 1] },
  { do: 'stats', topics: Array.from({ length: 10_000 }, (_, n) => n), channels: [], consumers: [] },
  { do: 'close' },
  { error: null },
  { error: 'disk full', counts: { topics: [], channels: [], consumers: [] } },
  {
    error: null,
    counts: {
      topics: [
        {
          number: 1,
          counters: {
            depth: 2 ** 40,
            backendDepth: 0,
            messageCount: Number.MAX_SAFE_INTEGER,
            messageBytes: 0,
            droppedCount: 0,
            expiredCount: 0,
            deadLetterCount: 0,
            deduplicatedCount: 0,
          },
          latency: null,
        },
      ],
      channels: [],
      consumers: [],
    },
  },
  { event: 'log', level: 'error', text: 'x'.repeat(100_000) },
  { event: 'backend', topic: 3, error: null },
  { event: 'timeouts', channel: 4, count: 2 ** 31 },
  { do: 'reportTimeouts', isWanted: true },
];
for (const [index, value] of VALUES.entries()) {
  test(`control: value ${index} comes out as it went in, alone and after others`, () => {
    const bytes = encodeControl(value);
    for (const other of VALUES) encodeControl(other);

    // As it arrives: a view of shared memory.
    const memory = new Uint8Array(new SharedArrayBuffer(bytes.length));
    memory.set(bytes);
    assert.deepStrictEqual(decodeControl(memory), value);
  });
}
