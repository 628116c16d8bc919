import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPath, type Route, Router } from '../../../../src/daemon/http/router.ts';

const route = (method: Route['method'], path: string): Route => {
  return { method, path, isQuiet: false, handle: () => undefined };
};
const ROUTES = [
  route('GET', '/ping'),
  route('POST', '/pub'),
  route('GET', '/config/:option'),
  route('PUT', '/config/:option'),
  route('GET', '/debug/pprof/'),
];
const router = new Router(ROUTES);

test('Router: finds a route by its method and exact path', () => {
  assert.deepEqual(router.find('POST', '/pub'), { route: ROUTES[1], param: '' });
});

test('Router: finds a route with a param, and says what the param is', () => {
  assert.deepEqual(router.find('PUT', '/config/log_level'), {
    route: ROUTES[3],
    param: 'log_level',
  });
});

for (const [method, path] of [
  ['GET', '/pub'],
  ['HEAD', '/ping'],
  ['GET', '/config/'],
  ['GET', '/config/a/b'],
  ['DELETE', '/config/a'],
  ['GET', '/debug/pprof'],
] as const) {
  test(`Router: finds nothing for ${method} ${path}`, () => {
    assert.equal(router.find(method, path), undefined);
  });
}

for (const [method, path, wanted] of [
  ['GET', '/pub', { kind: 'wrong method', allow: 'OPTIONS, POST' }],
  ['HEAD', '/ping', { kind: 'wrong method', allow: 'GET, OPTIONS' }],
  ['DELETE', '/config/x', { kind: 'wrong method', allow: 'GET, OPTIONS, PUT' }],
  ['OPTIONS', '/pub', { kind: 'options', allow: 'OPTIONS, POST' }],
  ['OPTIONS', '/ping/', { kind: 'not found' }],
  ['OPTIONS', '/none', { kind: 'not found' }],
  ['GET', '/', { kind: 'not found' }],
  ['GET', '', { kind: 'not found' }],
  ['GET', '/none', { kind: 'not found' }],
  ['GET', '/config', { kind: 'not found' }],
  ['GET', '/config/', { kind: 'not found' }],
  ['GET', '/config/a/b', { kind: 'not found' }],
  ['GET', '/PUB', { kind: 'not found' }],
  ['HEAD', '/PING', { kind: 'not found' }],
  ['GET', '/ping/', { kind: 'redirect', status: 301, path: '/ping' }],
  ['GET', '/PING', { kind: 'redirect', status: 301, path: '/ping' }],
  ['GET', '//ping', { kind: 'redirect', status: 301, path: '/ping' }],
  ['GET', '/x/.././Ping/', { kind: 'redirect', status: 301, path: '/ping' }],
  ['GET', '/debug/pprof', { kind: 'redirect', status: 301, path: '/debug/pprof/' }],
  ['GET', '/DEBUG/pprof', { kind: 'redirect', status: 301, path: '/debug/pprof/' }],
  ['POST', '/pub/', { kind: 'redirect', status: 307, path: '/pub' }],
  ['PUT', '/config/log_level/', { kind: 'redirect', status: 307, path: '/config/log_level' }],
  ['GET', '/Config/Log_Level', { kind: 'redirect', status: 301, path: '/config/Log_Level' }],
  ['GET', '/config//id', { kind: 'redirect', status: 301, path: '/config/id' }],
] as const) {
  test(`Router: ${method} "${path}" is ${JSON.stringify(wanted)}`, () => {
    assert.deepEqual(router.miss(method, path), wanted);
  });
}

for (const [path, clean] of [
  ['/', '/'],
  ['', '/'],
  ['//', '/'],
  ['/a/', '/a/'],
  ['/a/.', '/a/'],
  ['/a/..', '/'],
  ['/../a', '/a'],
  ['a//b', '/a/b'],
] as const) {
  test(`cleanPath: "${path}" becomes "${clean}"`, () => {
    assert.equal(cleanPath(path), clean);
  });
}

test('Router: a path may end in several params, and their number tells paths apart', () => {
  const routes = [
    route('GET', '/topics'),
    route('POST', '/topics/:topic'),
    route('DELETE', '/topics/:topic/:channel'),
  ];
  const deep = new Router(routes);

  assert.deepEqual(deep.find('GET', '/topics'), { route: routes[0], param: '' });
  assert.deepEqual(deep.find('POST', '/topics/a'), { route: routes[1], param: 'a' });
  assert.deepEqual(deep.find('DELETE', '/topics/a/b'), { route: routes[2], param: 'a/b' });
  assert.equal(deep.find('DELETE', '/topics/a'), undefined);
  assert.equal(deep.find('DELETE', '/topics/a/'), undefined);
  assert.equal(deep.find('DELETE', '/topics/a/b/c'), undefined);
  assert.deepEqual(deep.miss('GET', '/topics/a/b'), {
    kind: 'wrong method',
    allow: 'DELETE, OPTIONS',
  });
  assert.deepEqual(deep.miss('DELETE', '/Topics/A/B/'), {
    kind: 'redirect',
    status: 307,
    path: '/topics/A/B',
  });
});
