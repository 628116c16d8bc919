/** `examples/opentelemetry.ts` makes spans of what the client tells. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Attributes,
  type Span,
  type SpanOptions,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { Consumer } from '../../../src/client/consumer.ts';
import { Producer } from '../../../src/client/producer.ts';
import '../../support/package-hook.ts';
import { BrokerSite } from '../../support/broker-process.ts';

type Recorded = { name: string; attributes: Attributes; isEnded: boolean; error: string | null };

/** A tracer that keeps what it is told. */
function recordingTracer(recorded: Recorded[]): Tracer {
  const startSpan = (name: string, options: SpanOptions = {}): Span => {
    const entry: Recorded = {
      name,
      attributes: options.attributes ?? {},
      isEnded: false,
      error: null,
    };
    recorded.push(entry);
    const span = {
      end: () => {
        entry.isEnded = true;
      },
      recordException: (error: unknown) => {
        entry.error = error instanceof Error ? error.message : String(error);
      },
      setStatus: () => span,
    };
    // the example uses no other methods
    return span as unknown as Span;
  };
  // nor of the tracer
  return { startSpan } as unknown as Tracer;
}

test('examples: opentelemetry.ts makes spans, which end', { timeout: 120_000 }, async (t) => {
  const recorded: Recorded[] = [];
  trace.setGlobalTracerProvider({ getTracer: () => recordingTracer(recorded) });
  const example = '../../../examples/opentelemetry.ts';
  await import(example);
  const broker = await new BrokerSite(t).start();
  const nsqd = [`127.0.0.1:${broker.tcpPort}`];
  const producer = new Producer({ nsqd });
  const consumer = new Consumer({ topic: 'traced', channel: 'c', nsqd, requeueDelayMs: 0 });

  await producer.publishMany('traced', ['one', 'two']);
  // The failure is in the span, which is what the test reads.
  await producer.publish('no topic', 'x').catch(() => undefined);
  await producer.close();
  let count = 0;
  await consumer.run((message) => {
    count++;
    if (count === 2) void consumer.close();
    if (message.text() === 'two') throw new Error('it fails');
  });

  const shown = recorded.map(({ name, attributes, isEnded, error }) => [
    name,
    attributes['messaging.batch.message_count'] ?? attributes['messaging.message.body.size'],
    isEnded,
    error,
  ]);
  assert.deepEqual(shown, [
    ['publish traced', 2, true, null],
    ['publish no topic', 1, true, '"no topic" is not a topic\'s name'],
    ['process traced', 3, true, null],
    ['process traced', 3, true, 'it fails'],
  ]);
});
