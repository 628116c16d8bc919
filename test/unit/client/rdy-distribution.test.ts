import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RdyDistribution, type RdyMember } from '../../../src/client/rdy-distribution.ts';
import { freshSeed, seededRandom } from '../../support/seeded-random.ts';

class Member implements RdyMember {
  rdy = 0;
  rdyMax = 2500;
  inFlightCount = 0;
  lastMessageMs = 0;
  lastRdyMs = 0;
  nowMs = 0;

  setRdy(count: number): void {
    this.rdy = count;
    if (count > 0) this.lastRdyMs = this.nowMs;
  }
}

/** A distribution that flows, and its members. */
function flowing(
  maxInFlight: number,
  count: number,
): { distribution: RdyDistribution; members: Member[] } {
  const random = seededRandom(3);
  const distribution = new RdyDistribution(maxInFlight, () => random(1000) / 1000);
  const members = Array.from({ length: count }, () => new Member());
  distribution.setFlow('flowing');
  for (const member of members) distribution.add(member);
  return { distribution, members };
}

const readyCounts = (members: readonly Member[]): number[] => members.map(({ rdy }) => rdy);
const sum = (counts: readonly number[]): number =>
  counts.reduce((total, count) => total + count, 0);

test('RdyDistribution: shares are equal, and what is left over goes to the first', () => {
  const { members } = flowing(11, 3);

  assert.deepEqual(readyCounts(members), [4, 4, 3]);
});

test('RdyDistribution: no broker gets more than it accepts', () => {
  const { distribution } = flowing(6000, 1);
  const member = new Member();
  member.rdyMax = 100;

  distribution.add(member);

  assert.equal(member.rdy, 100);
});

test('RdyDistribution: a share that was lost goes to the others', () => {
  const { distribution, members } = flowing(10, 2);

  distribution.remove(members[0]);

  assert.equal(members[1].rdy, 10);
});

test('RdyDistribution: a new broker waits for what is in flight at the others', () => {
  const { distribution, members } = flowing(10, 1);
  const other = new Member();
  members[0].inFlightCount = 8;

  distribution.add(other);
  const first = [members[0].rdy, other.rdy, distribution.isOwed];
  members[0].inFlightCount = 3;
  distribution.distribute();

  assert.deepEqual(first, [5, 2, true]);
  assert.deepEqual([members[0].rdy, other.rdy, distribution.isOwed], [5, 5, false]);
});

test('RdyDistribution: with fewer messages than brokers, some have one', () => {
  const { distribution, members } = flowing(2, 5);

  assert.equal(sum(readyCounts(members)), 2);
  assert.equal(distribution.isRotating, true);
});

test('RdyDistribution: idle brokers pass their turn on, busy ones after a while', () => {
  const { distribution, members } = flowing(1, 2);
  const [holder] = members.filter(({ rdy }) => rdy === 1);
  const [other] = members.filter(({ rdy }) => rdy === 0);
  holder.lastMessageMs = 5000;
  distribution.rotate(15_000);
  const whileBusy = holder.rdy;

  let turns = 0;
  for (let nowMs = 15_001; other.rdy === 0; nowMs += 5000) {
    for (const member of members) member.nowMs = nowMs;
    distribution.rotate(nowMs);
    turns++;
    assert.equal(sum(readyCounts(members)), 1);
    assert.ok(turns < 50, 'the other one has its turn');
  }
  const atOther = other.lastRdyMs;
  holder.nowMs = atOther + 31_000;
  other.nowMs = atOther + 31_000;
  other.lastMessageMs = atOther + 30_999;
  let givenUp = 0;
  const setRdy = other.setRdy.bind(other);
  other.setRdy = (count) => {
    if (count === 0) givenUp++;
    setRdy(count);
  };
  distribution.rotate(atOther + 31_000);

  assert.equal(whileBusy, 1);
  assert.equal(givenUp, 1);
});

test('RdyDistribution: a trial is one message at one broker, wherever others are in flight', () => {
  const { distribution, members } = flowing(100, 4);
  for (const member of members) member.inFlightCount = 20;

  distribution.setFlow('stopped');
  const stopped = readyCounts(members);
  distribution.setFlow('probing');
  const probing = sum(readyCounts(members));
  const [prober] = members.filter(({ rdy }) => rdy === 1);
  distribution.remove(prober);
  const left = members.filter((member) => member !== prober);

  assert.deepEqual(stopped, [0, 0, 0, 0]);
  assert.equal(probing, 1);
  assert.equal(sum(readyCounts(left)), 1);
});

test('RdyDistribution: never more than allowed, and no connection starves', () => {
  const seed = freshSeed();
  console.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let run = 0; run < 200; run++) {
    let maxInFlight = 1 + random(20);
    let nowMs = 0;
    const distribution = new RdyDistribution(maxInFlight, () => random(1000) / 1000);
    const members: Member[] = [];
    distribution.setFlow('flowing');
    for (let step = 0; step < 60; step++) {
      nowMs += random(8000);
      for (const member of members) member.nowMs = nowMs;
      const action = random(5);
      if (action === 0 && members.length < 12) {
        const member = new Member();
        members.push(member);
        distribution.add(member);
      } else if (action === 1 && members.length > 0) {
        const [gone] = members.splice(random(members.length), 1);
        distribution.remove(gone);
      } else if (action === 2) distribution.rotate(nowMs);
      else {
        // brokers send as far as they may, and messages are answered
        for (const member of members) {
          if (member.rdy > member.inFlightCount && random(2) === 0) member.inFlightCount++;
          else if (member.inFlightCount > 0 && random(2) === 0) member.inFlightCount--;
        }
        if (distribution.isOwed) distribution.distribute();
      }
      const used = sum(members.map(({ rdy, inFlightCount }) => Math.max(rdy, inFlightCount)));
      assert.ok(used <= maxInFlight, `${used} of ${maxInFlight} (seed ${seed}, run ${run})`);
    }
    for (const member of members) member.inFlightCount = 0;
    maxInFlight = 10;
    distribution.setMaxInFlight(maxInFlight);
    distribution.distribute();
    const due = Math.min(maxInFlight, members.length === 0 ? 0 : maxInFlight);
    assert.equal(sum(readyCounts(members)), due, `seed ${seed}, run ${run}`);
  }
});
