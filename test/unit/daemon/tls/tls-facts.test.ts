import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cipherSuiteText } from '../../../../src/daemon/tls/tls-facts.ts';

for (const [standardName, text] of [
  ['TLS_RSA_WITH_AES_128_CBC_SHA', 'TLS_RSA_WITH_AES_128_CBC_SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'Unknown 49200'],
  ['TLS_AES_128_GCM_SHA256', 'Unknown 4865'],
  ['TLS_NEW_SUITE', 'Unknown TLS_NEW_SUITE'],
]) {
  test(`tlsFacts: the suite ${standardName} shows as ${text}`, () => {
    assert.equal(cipherSuiteText(standardName), text);
  });
}
