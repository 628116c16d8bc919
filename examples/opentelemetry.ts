/**
 * Makes a span of OpenTelemetry for each publish and each handled message, from outside: the client tells of both over
 * `node:diagnostics_channel`, and the rest of the program stays as it is. Start it before your program:
 *
 *     node --import ./examples/opentelemetry.ts program.ts
 *
 * Run by itself it publishes and handles one order, and shows the names of its spans.
 */

import { tracingChannel } from 'node:diagnostics_channel';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { Consumer, type ProcessContext, Producer, type PublishContext } from 'ringmq/client';

const tracer = trace.getTracer('ringmq');
/** Spans that are not ended, by the object that the client passes to all events of a call. */
const spans = new WeakMap<object, Span>();

tracingChannel<PublishContext>('ringmq.publish').subscribe({
  start(context) {
    const { topic, count } = context;
    const attributes = {
      'messaging.system': 'nsq',
      'messaging.operation.name': 'publish',
      'messaging.destination.name': topic,
      'messaging.batch.message_count': count,
    };
    spans.set(
      context,
      tracer.startSpan(`publish ${topic}`, { kind: SpanKind.PRODUCER, attributes }),
    );
  },
  ...endings(),
});

tracingChannel<ProcessContext>('ringmq.process').subscribe({
  start(context) {
    const { topic, channel, message } = context;
    const attributes = {
      'messaging.system': 'nsq',
      'messaging.operation.name': 'process',
      'messaging.destination.name': topic,
      'messaging.consumer.group.name': channel,
      'messaging.message.id': message.id,
      'messaging.message.body.size': message.body.length,
    };
    spans.set(
      context,
      tracer.startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }),
    );
  },
  ...endings(),
});

/** Both kinds of spans end alike. */
function endings(): {
  end(): void;
  asyncStart(): void;
  asyncEnd(context: PublishContext | ProcessContext): void;
  error(context: PublishContext | ProcessContext): void;
} {
  return {
    end() {
      // The call has returned its promise, and goes on.
    },
    asyncStart() {
      // The promise is settled; `asyncEnd` follows.
    },
    asyncEnd(context) {
      spans.get(context)?.end();
    },
    error(context) {
      const span = spans.get(context);
      span?.recordException(context.error instanceof Error ? context.error : String(context.error));
      span?.setStatus({ code: SpanStatusCode.ERROR });
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const nsqd = [process.env['NSQD'] ?? '127.0.0.1:4150'];
  const producer = new Producer({ nsqd });
  await producer.publish('traced', { id: 7 });
  await producer.close();
  const consumer = new Consumer({ topic: 'traced', channel: 'traces', nsqd });
  await consumer.run((message) => {
    console.log('handled', message.text());
    void consumer.close();
  });
}
