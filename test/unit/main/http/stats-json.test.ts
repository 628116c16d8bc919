import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statsJson } from '../../../../src/main/http/stats-json.ts';
import {
  brokerStatistics,
  channelStatistics,
  clientStatistics,
  MEMORY,
  topicStatistics,
} from '../../../support/statistics.ts';

const EMPTY = {
  health: 'OK',
  startTimeMs: 1_700_000_000_999,
  memory: undefined,
  refusedConnectionCount: 0,
  failedInputCount: 0,
};
const LATENCY = '"e2e_processing_latency":{"count":0,"percentiles":null}';
const CLIENT_START =
  '{"client_id":"id","hostname":"host","version":"V2","remote_address":"127.0.0.1:5000","state":3,"ready_count":1,' +
  '"in_flight_count":2,"message_count":3,"finish_count":4,"requeue_count":5,"connect_ts":1700000000,' +
  '"sample_rate":0,"deflate":false,"snappy":false,"user_agent":"c/1",';
const CLIENT_END =
  '"tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"",' +
  '"tls_negotiated_protocol_is_mutual":false}';

function joined(pieces: Iterable<string>): string {
  return [...pieces].join('');
}

test('statsJson: an empty broker', () => {
  const stats = brokerStatistics();

  const json = joined(statsJson({ ...EMPTY, stats }));

  assert.equal(
    json,
    '{"version":"1.3.0","health":"OK","start_time":1700000000,"topics":[],"producers":null}',
  );
});

test('statsJson: an unknown topic, memory, and a reason that Go escapes', () => {
  const stats = brokerStatistics(null);

  const json = joined(statsJson({ ...EMPTY, health: 'NOK - <disk>', stats, memory: MEMORY }));

  assert.equal(
    json,
    '{"version":"1.3.0","health":"NOK - \\u003cdisk\\u003e","start_time":1700000000,"topics":null,' +
      '"memory":{"heap_objects":1,"heap_idle_bytes":2,"heap_in_use_bytes":3,"heap_released_bytes":4,' +
      '"gc_pause_usec_100":5,"gc_pause_usec_99":6,"gc_pause_usec_95":7,"next_gc_bytes":8,' +
      '"gc_total_runs":9},"producers":null}',
  );
});

test('statsJson: topics, channels and clients have their keys in order', () => {
  const channels = [
    channelStatistics({
      clients: [clientStatistics()],
      takenCounts: { zone: 0, region: 0, global: 9 },
    }),
  ];
  const stats = brokerStatistics([topicStatistics({ channels })]);

  const json = joined(statsJson({ ...EMPTY, stats }));

  assert.equal(
    json,
    '{"version":"1.3.0","health":"OK","start_time":1700000000,"topics":[{"topic_name":"alpha","channels":[{' +
      '"channel_name":"one","depth":1,"backend_depth":2,"in_flight_count":3,"deferred_count":4,' +
      '"message_count":5,"global_msg_count":9,"requeue_count":6,"timeout_count":7,"client_count":8,' +
      `"clients":[${CLIENT_START}"topology_zone":"","topology_region":"",${CLIENT_END}],` +
      `"paused":false,${LATENCY}}],"depth":1,"backend_depth":2,"message_count":3,"message_bytes":4,` +
      `"paused":false,${LATENCY}}],"producers":null}`,
  );
});

test('statsJson: optional fields have their places', () => {
  const producer = clientStatistics({
    published: { topic: 't', count: 2 },
    auth: { identityUrl: 'http://x/', identity: 'me' },
  });
  const stats = brokerStatistics([], { producers: [producer] });

  const json = joined(statsJson({ ...EMPTY, stats }));

  assert.equal(
    json,
    '{"version":"1.3.0","health":"OK","start_time":1700000000,"topics":[],"producers":[' +
      `${CLIENT_START}"authed":true,"auth_identity":"me","auth_identity_url":"http://x/",` +
      `"topology_zone":"","topology_region":"","pub_counts":[{"topic":"t","count":2}],${CLIENT_END}]}`,
  );
});

test('statsJson: empty optional fields are left out, absent clients are null', () => {
  const channels = [
    channelStatistics({ clients: null, takenCounts: { zone: 0, region: 0, global: 0 } }),
  ];
  const producers = [
    clientStatistics({ published: null }),
    clientStatistics({ auth: { identity: '', identityUrl: '' } }),
  ];
  const stats = brokerStatistics([topicStatistics({ channels })], { producers });

  const json = joined(statsJson({ ...EMPTY, stats }));

  assert.doesNotMatch(json, /_msg_count|auth_identity|pub_counts|dropped_count/);
  assert.match(json, /"client_count":8,"clients":null,/);
  assert.equal(json.match(/"authed"/g)?.length, 1);
});

test('statsJson: what nsqd does not have is there only when it says something', () => {
  const channels = [channelStatistics({ policyCounts: { dropped: 0 } })];
  const topics = [topicStatistics({ channels, policyCounts: { dropped: 12 } })];
  const stats = brokerStatistics(topics);

  const json = joined(statsJson({ ...EMPTY, stats, refusedConnectionCount: 3 }));

  assert.match(json, /"timeout_count":7,"dropped_count":0,"client_count":8,/);
  assert.match(json, /"message_bytes":4,"dropped_count":12,"paused":false,/);
  assert.match(json, /"producers":null,"refused_connection_count":3\}$/);
});
