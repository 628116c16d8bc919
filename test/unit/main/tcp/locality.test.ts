import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localityOf } from '../../../../src/main/tcp/locality.ts';

const BROKER = {
  enableExperiment: ['topology-aware-consumption'],
  topologyRegion: 'r',
  topologyZone: 'z',
};

const CASES = [
  { topologyRegion: 'r', topologyZone: 'z', locality: 'zone' },
  { topologyRegion: 'r', topologyZone: 'other', locality: 'region' },
  { topologyRegion: 'other', topologyZone: 'other', locality: 'global' },
  { topologyRegion: '', topologyZone: '', locality: 'global' },
] as const;

for (const { locality, ...settings } of CASES) {
  test(`localityOf: ${JSON.stringify(settings)} is ${locality}`, () => {
    assert.equal(localityOf(settings, BROKER), locality);
  });
}

test('localityOf: without the experiment every client is global', () => {
  const settings = { topologyRegion: 'r', topologyZone: 'z' };

  assert.equal(localityOf(settings, { ...BROKER, enableExperiment: [] }), 'global');
});
