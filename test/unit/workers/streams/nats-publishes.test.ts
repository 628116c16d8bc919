// Publishes to streams and their answers, over a connection that the test plays.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { NatsPublishes } from '../../../../src/workers/streams/nats/nats-publishes.ts';

const KEPT = '{"stream":"s","seq":1}';

class Site {
  nowMs = 0;
  /** What became of the publishes, by their bodies. */
  readonly outcomes: string[] = [];
  readonly publishes: NatsPublishes;
  readonly #replies = new Map<string, string>();
  #onAnswer: (error: Error | null, message: Msg) => void = () => undefined;

  constructor() {
    const connection: Pick<NatsConnection, 'subscribe' | 'publish'> = {
      subscribe: (_, options) => {
        this.#onAnswer = options?.callback ?? assert.fail();
        return assertNothing();
      },
      publish: (_, body, options) => {
        this.#replies.set(String(body), options?.reply ?? assert.fail());
      },
    };
    // Of a connection it uses only these two.
    this.publishes = new NatsPublishes(connection as NatsConnection, 'inbox', () => this.nowMs);
  }

  publish(subject: string, body: string): void {
    this.publishes.publish(subject, Buffer.from(body), 0, (error) => {
      this.outcomes.push(`${body}: ${error ?? 'OK'}`);
    });
  }

  answer(body: string, text = KEPT): void {
    const subject = this.#replies.get(body) ?? assert.fail();
    const data = Buffer.from(text);
    // Of an answer it uses the first three.
    const unused = { sid: 0, json: () => assert.fail(), respond: () => false };
    this.#onAnswer(null, { subject, data, string: () => text, ...unused });
  }
}

/** The subscription is not used. */
function assertNothing(): ReturnType<NatsConnection['subscribe']> {
  return {} as ReturnType<NatsConnection['subscribe']>;
}

test('NatsPublishes: each publish gets its own answer, once', () => {
  const site = new Site();
  for (const body of ['a', 'b']) site.publish('t', body);
  site.answer('b', '{"error":{"code":400,"description":"maximum messages exceeded"}}');
  site.answer('a');
  site.answer('a');

  assert.deepEqual(site.outcomes, ['b: the store refuses it - maximum messages exceeded', 'a: OK']);
});

test('NatsPublishes: what is not answered in time is refused', () => {
  const site = new Site();
  site.publish('t', 'a');
  site.nowMs = 2999;
  site.publishes.expire();
  const before = [...site.outcomes];
  site.nowMs = 3000;
  site.publishes.expire();

  assert.deepEqual([before, site.outcomes], [[], ['a: the store has not answered for 3 s']]);
});

test('NatsPublishes: what a later one to the same subject has overtaken is refused soon', () => {
  const site = new Site();
  site.publish('t', 'lost');
  site.publish('u', 'of another subject');
  site.nowMs = 200;
  for (const body of ['young', 'later']) site.publish('t', body);
  site.answer('later');
  site.publishes.expire();
  site.nowMs = 450;
  site.publishes.expire();

  assert.deepEqual(site.outcomes, [
    'later: OK',
    'lost: the store has lost it on its way; the message may have been kept',
  ]);
});

test('NatsPublishes: a refusal overtakes nothing', () => {
  const site = new Site();
  site.publish('t', 'slow');
  site.nowMs = 500;
  site.publish('t', 'refused');
  site.answer('refused', '{"error":{"code":400,"description":"no"}}');
  site.publishes.expire();
  site.answer('slow');

  assert.deepEqual(site.outcomes, ['refused: the store refuses it - no', 'slow: OK']);
});

test('NatsPublishes: of a lost leader the older publishes to its subject are refused', () => {
  const site = new Site();
  site.publish('t', 'old');
  site.publish('u', 'of another subject');
  site.nowMs = 250;
  site.publish('t', 'new');
  site.publishes.failOlder('t', 250, 'no leader');

  assert.deepEqual(site.outcomes, ['old: no leader']);
});
