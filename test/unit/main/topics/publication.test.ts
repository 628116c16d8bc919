import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Publication } from '../../../../src/main/topics/publication.ts';
import { MainRings, sized, topicOn } from '../../../support/main-rings.ts';

type Begun = {
  readonly publication: Publication;
  readonly source: Buffer;
  readonly outcomes: (string | null)[];
};

/** A publication whose source has other bytes around it. */
function begin(rings: MainRings, bodies: readonly string[], isAnswered: boolean): Begun {
  const messages = sized(bodies);
  const source = Buffer.concat([Buffer.from('before'), messages, Buffer.from('behind')]);
  const outcomes: (string | null)[] = [];
  const publication = new Publication(
    topicOn(rings),
    { source, at: 6, bytes: messages.length, count: bodies.length, deferMs: 0 },
    isAnswered,
    (error) => outcomes.push(error),
  );
  return { publication, source, outcomes };
}

test('Publication: what memory keeps is settled at once', () => {
  const rings = new MainRings();
  const { publication, outcomes } = begin(rings, ['a', 'b'], false);

  const isSent = publication.send();

  rings.handle.flush();
  const [{ topic, count, token, bodies }] = rings.takePublishes();
  assert.deepStrictEqual([isSent, outcomes], [true, [null]]);
  assert.deepStrictEqual([topic, count, token, bodies], [3, 2, 0, ['a', 'b']]);
});

test('Publication: what is held is settled only when that is over, with its error', async () => {
  const rings = new MainRings();
  const { publication, outcomes } = begin(rings, ['a'], false);
  const holding = Promise.withResolvers<string | null>();
  publication.holdUntil(holding.promise);
  publication.send();
  const before = [...outcomes];

  holding.resolve('not saved');
  await holding.promise;

  assert.deepStrictEqual([before, outcomes], [[], ['not saved']]);
});

test('Publication: what is answered is settled by the answer', () => {
  const rings = new MainRings();
  const { publication, outcomes } = begin(rings, ['a'], true);
  publication.send();
  const before = [...outcomes];
  rings.handle.flush();
  const [{ token }] = rings.takePublishes();

  rings.handle.onAnswer(token, 'disk full');

  assert.deepStrictEqual([before, outcomes], [[], ['disk full']]);
});

/** Sends a publication that the pump takes part by part: what each call returned, and the parts. */
function sendAll(
  publication: Publication,
  rings: MainRings,
): { sent: boolean[]; parts: ReturnType<MainRings['takePublishes']> } {
  const sent: boolean[] = [];
  const parts: ReturnType<MainRings['takePublishes']> = [];
  while (sent.at(-1) !== true) {
    sent.push(publication.send());
    rings.handle.flush();
    parts.push(...rings.takePublishes());
  }
  return { sent, parts };
}

test('Publication: more than 1 MiB goes in parts, settled when the last part is', () => {
  const rings = new MainRings();
  const bodies = ['a', 'b', 'c'].map((letter) => letter.repeat(500_000));
  const { publication, outcomes } = begin(rings, bodies, true);
  const { sent, parts } = sendAll(publication, rings);
  rings.handle.onAnswer(parts[0].token, 'torn');
  const before = [...outcomes];

  rings.handle.onAnswer(parts[1].token, null);

  assert.deepStrictEqual(
    [sent, parts.map((part) => part.bodies.map((body) => body[0]))],
    [
      [false, true],
      [['a', 'b'], ['c']],
    ],
  );
  assert.deepStrictEqual([before, outcomes], [[], ['torn']]);
});

test('Publication: every part says which is the first, and what is still to follow', () => {
  const rings = new MainRings();
  const bodies = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(500_000));
  const { publication } = begin(rings, bodies, true);

  const { parts } = sendAll(publication, rings);

  const [first] = parts;
  assert.deepStrictEqual(
    parts.map(({ part }) => part),
    [
      { first: 0, followingCount: 3, followingBytes: 3 * 500_004 },
      { first: first.token, followingCount: 1, followingBytes: 500_004 },
      { first: first.token, followingCount: 0, followingBytes: 0 },
    ],
  );
});

test('Publication: what is begun is brought to its end, and then the listener is told', () => {
  const rings = new MainRings();
  const bodies = Array.from({ length: 90 }, (_, index) => `${index}`.padEnd(100_000, '.'));
  const { publication, outcomes } = begin(rings, bodies, false);
  let told = 0;
  const sent = [publication.send()];
  publication.onWritable(() => told++);
  const taken: string[] = [];
  const counts: number[] = [];
  while (taken.length < bodies.length) {
    rings.handle.flush();
    const parts = rings.takePublishes();
    counts.push(parts.length);
    taken.push(...parts.flatMap(({ bodies: part }) => part));
    rings.handle.notifyWritable();
  }
  sent.push(publication.send());

  assert.deepStrictEqual([sent, told, outcomes], [[false, true], 1, [null]]);
  // One record a turn.
  assert.deepStrictEqual([counts, taken], [Array.from({ length: 9 }, () => 1), bodies]);
});

test('Publication: what is not begun is left to the listener', () => {
  const rings = new MainRings();
  while (rings.publish(1, ['x'.repeat(500_000)]));
  const { publication } = begin(rings, ['a'.repeat(500_000)], false);
  let told = 0;
  publication.send();
  publication.onWritable(() => told++);
  rings.handle.flush();
  rings.takePublishes();

  rings.handle.notifyWritable();

  rings.handle.flush();
  assert.deepStrictEqual([told, rings.takePublishes()], [1, []]);
});

test('Publication: a message larger than a part is sent alone', () => {
  const rings = new MainRings();
  const bodies = ['a', 'b'.repeat(1_500_000), 'c'];
  const { publication } = begin(rings, bodies, false);

  while (!publication.send());

  rings.handle.flush();
  const counts = rings.takePublishes().map(({ bodies: sent }) => sent.length);
  assert.deepStrictEqual(counts, [1, 1, 1]);
});

test('Publication: without room it goes on where it stopped, from its own copy', () => {
  const rings = new MainRings({ publishBytes: 4 * 1024 * 1024 });
  const bodies = Array.from({ length: 60 }, (_, index) => `${index}`.padEnd(100_000, '.'));
  const { publication, source, outcomes } = begin(rings, bodies, false);
  const isSentFirst = publication.send();
  publication.detach();
  source.fill(0);
  rings.handle.flush();
  const taken = rings.takePublishes();

  for (let isSent = false; !isSent; ) {
    isSent = publication.send();
    rings.handle.flush();
    taken.push(...rings.takePublishes());
  }

  const all = taken.flatMap(({ bodies: sent }) => sent);
  assert.deepStrictEqual([isSentFirst, outcomes], [false, [null]]);
  assert.deepStrictEqual(all, bodies);
});

test('Publication: a part that found no room leaves no answer to wait for', () => {
  const rings = new MainRings({ publishBytes: 4 * 1024 * 1024 });
  const bodies = Array.from({ length: 60 }, () => 'x'.repeat(100_000));
  const { publication, outcomes } = begin(rings, bodies, true);
  const taken: number[] = [];
  for (let isSent = false; !isSent; ) {
    isSent = publication.send();
    rings.handle.flush();
    for (const { token } of rings.takePublishes()) taken.push(token);
  }
  for (const token of taken) rings.handle.onAnswer(token, null);

  assert.deepStrictEqual(outcomes, [null]);
});

test('Publication: a part has 16384 messages at most, however small they are', () => {
  const rings = new MainRings();
  const bodies = Array.from({ length: 40_000 }, () => 'x');
  const { publication } = begin(rings, bodies, false);

  while (!publication.send());

  rings.handle.flush();
  const counts = rings.takePublishes().map(({ count }) => count);
  assert.deepStrictEqual(counts, [16_384, 16_384, 7232]);
});
