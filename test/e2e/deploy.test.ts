/**
 * The files of deploy/ and the Dockerfile, by the tools that know their formats, and by the program that they start.
 * What is not installed leaves its tests out: systemd-analyze, compose and shellcheck (Debian's packages `systemd`,
 * `docker-compose` and `shellcheck`), kubectl, and three packages in RINGMQ_TEST_RUNNERS.
 */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ADMIN_PROGRAM } from '../../src/companions/admin/admin-options.ts';
import { LOOKUPD_PROGRAM } from '../../src/companions/lookupd/lookupd-options.ts';
import { parseProgramLine } from '../../src/daemon/options/program-line.ts';
import { RINGMQ_VERSION } from '../../src/daemon/version.ts';
import { parseCommandLine } from '../../src/main/options/command-line.ts';

const ROOT = path.dirname(path.dirname(import.meta.dirname));
const LIMIT = { timeout: 120_000 };
/** Where dockerfile-utils, kubernetes-models and yaml are installed: they are not among the project's packages. */
const RUNNERS = process.env['RINGMQ_TEST_RUNNERS'] ?? '';
const WITH_RUNNERS =
  RUNNERS === ''
    ? 'RINGMQ_TEST_RUNNERS names no directory with dockerfile-utils, kubernetes-models and yaml'
    : false;
/** systemd's measure of what a service may do: 0 is nothing, 10 everything. */
const EXPOSURE_MAX = 2;
/** Compose as a plugin of docker, or as the program of its own that Debian has. */
const COMPOSE = [['docker', 'compose'], ['docker-compose']].find(([program, ...words]) =>
  isThere(program, ...words, 'version'),
);
/** Compose's files that are used together. */
const COMPOSITIONS = [['compose.yaml'], ['compose.yaml', 'compose.nats.yaml']];
const KUSTOMIZATIONS = ['base', 'overlays/example', 'overlays/replicated'];
/** What containers read, and where it is. */
const MOUNTED = { '/etc/ringmq/ringmq.toml': 'deploy/kubernetes/nats/ringmq.toml' };

const MACHINE = {
  hostname: 'machine',
  parallelism: 2,
  readFile: (file: string) => readText(new Map(Object.entries(MOUNTED)).get(file) ?? file),
};

type Container = { readonly image: string; readonly args: string[]; readonly ports: Port[] };
type Port = { readonly name?: string; readonly port?: string | number; targetPort?: string };
/** Of Kubernetes' objects what the tests look at. */
type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector: Record<string, string>;
    readonly ports?: readonly Port[];
    readonly template?: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: { readonly containers: Container[] };
    };
  };
};

function isThere(program: string, ...words: string[]): boolean {
  return spawnSync(program, words).status === 0;
}

/** What a program prints, with its errors; nothing else if it fails. */
function outputOf(program: string, ...words: string[]): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: ROOT, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

function readText(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

/** Documents of YAML. */
function parseYaml(text: string): unknown[] {
  const yaml = createRequire(path.join(RUNNERS, 'node_modules/'))('yaml');
  return yaml
    .parseAllDocuments(text, { merge: true })
    .map((document: { toJS(): unknown }) => document.toJS());
}

/** Whether `ringmq` starts with these words. Variables of systemd or Kubernetes have a value by then. */
function assertStarts(words: readonly string[]): void {
  const given = words.map((word) => word.replaceAll(/\$\(\w+\)/g, '1').replace('%S', '/var/lib'));
  const command = parseWords(given);
  const { kind, warnings } = { warnings: [], ...command };
  assert.deepEqual({ words, kind, warnings }, { words, kind: 'run', warnings: [] });
}

function parseWords(words: readonly string[]): { readonly kind: string } {
  const [first, ...flags] = words;
  switch (first) {
    case 'lookupd':
      return parseProgramLine(flags, LOOKUPD_PROGRAM, MACHINE);
    case 'admin':
      return parseProgramLine(flags, ADMIN_PROGRAM, MACHINE);
    default:
      return parseCommandLine(words, MACHINE);
  }
}

function kustomized(name: string): KubernetesObject[] {
  const { status, text } = outputOf('kubectl', 'kustomize', `deploy/kubernetes/${name}`);
  assert.equal(status, 0, text);
  // What kubectl prints are objects; the schema's test looks at them more closely.
  return parseYaml(text) as KubernetesObject[];
}

test('Dockerfile: its Node is the one that the tests run on, and its context has what it copies', () => {
  const dockerfile = readText('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names]) =>
    names.split(' '),
  );
  const { packages } = JSON.parse(readText('package-lock.json'));

  assert.equal(
    /NODE_IMAGE=node:([\d.]+)-/.exec(dockerfile)?.[1],
    packages['node_modules/node'].version,
  );
  assert.deepEqual(
    [...new Set(copied)].sort(),
    readText('.dockerignore')
      .match(/(?<=^!).+/gm)
      ?.sort(),
  );
});

test('Dockerfile: its linter finds nothing', { ...LIMIT, skip: WITH_RUNNERS }, () => {
  const linter = path.join(RUNNERS, 'node_modules/dockerfile-utils/bin/dockerfile-utils');

  assert.deepEqual(outputOf(process.execPath, linter, 'lint', 'Dockerfile'), {
    status: 0,
    text: '',
  });
});

test('systemd: units are valid, hardened, and start with their flags', {
  ...LIMIT,
  skip: isThere('systemd-analyze', '--version') ? false : 'systemd is not installed',
}, () => {
  const units = globSync('deploy/systemd/*.service', { cwd: ROOT });

  assert.ok(units.length > 0);
  for (const unit of units) {
    assert.deepEqual(outputOf('systemd-analyze', 'verify', unit), { status: 0, text: '' });
    const { text } = outputOf('systemd-analyze', 'security', '--offline=yes', unit);
    const exposure = Number(/Overall exposure level .*: ([\d.]+)/.exec(text)?.[1]);
    assert.ok(exposure <= EXPOSURE_MAX, `${unit}: exposure ${exposure}`);
    const [, words, name] =
      /^ExecStart=\/usr\/bin\/env ringmq (.*) \$(\w+)$/m.exec(readText(unit)) ?? [];
    assert.ok(words, unit);
    const more = new RegExp(`^Environment=${name}=(.*)$`, 'm').exec(readText(unit))?.[1];
    assertStarts([...words.split(' '), ...(more === undefined ? [] : [more])]);
  }
});

for (const names of COMPOSITIONS) {
  test(`compose: ${names.join(' with ')} is valid`, {
    ...LIMIT,
    skip: COMPOSE === undefined ? 'compose is not installed' : false,
  }, () => {
    const [program = '', ...words] = COMPOSE ?? [];
    const files = names.flatMap((name) => ['--file', `deploy/${name}`]);

    assert.deepEqual(outputOf(program, ...words, ...files, 'config', '--quiet'), {
      status: 0,
      text: '',
    });
  });
}

test('compose: its programs start with their flags', { ...LIMIT, skip: WITH_RUNNERS }, () => {
  const [fleet, replicated] = ['compose.yaml', 'compose.nats.yaml'].map((name) => {
    const [{ services }] = parseYaml(readText(`deploy/${name}`)) as [
      { services: Record<string, { image: string; command: string[] }> },
    ];
    return services;
  });
  const ours = Object.keys(fleet).filter(
    (name) => fleet[name].image === `ringmq:${RINGMQ_VERSION}`,
  );

  assert.ok(ours.length > 0, `no service has the image of version ${RINGMQ_VERSION}`);
  for (const name of ours) {
    const { command } = fleet[name];
    assertStarts(command);
    if (!(name in replicated)) continue;
    assert.deepEqual(replicated[name].command, [...command, '--config=/etc/ringmq/ringmq.toml']);
    assertStarts(replicated[name].command);
  }
});

test('NATS: servers, brokers and compose know the servers by the same names', () => {
  const texts = ['kubernetes/nats/nats.conf', 'kubernetes/nats/ringmq.toml', 'compose.nats.yaml'];
  const hosts = texts.map((name) =>
    [...readText(`deploy/${name}`).matchAll(/nats-\d\.nats\b/g)].map(([host]) => host),
  );

  const servers = ['nats-0.nats', 'nats-1.nats', 'nats-2.nats'];
  assert.deepEqual(hosts, [servers, servers, servers]);
});

test('NATS: the configuration is valid', {
  ...LIMIT,
  skip: isThere('nats-server', '--version') ? false : 'nats-server is not installed',
}, () => {
  const { status, stderr } = spawnSync('nats-server', ['-t', '-c', 'kubernetes/nats/nats.conf'], {
    cwd: path.join(ROOT, 'deploy'),
    env: { ...process.env, ['NATS_NAME']: 'nats-0' },
    encoding: 'utf8',
  });

  assert.deepEqual([status, /is valid/.test(stderr)], [0, true], stderr);
});

for (const name of KUSTOMIZATIONS) {
  const isLeftOut =
    WITH_RUNNERS ||
    (isThere('kubectl', 'version', '--client') ? false : 'kubectl is not installed');

  test(`Kubernetes, ${name}: objects have their schemas, find each other, and start with their flags`, {
    ...LIMIT,
    skip: isLeftOut,
  }, async () => {
    const objects = kustomized(name);
    const services = objects.filter(({ kind }) => kind === 'Service');
    const workloads = objects.filter(({ spec }) => spec?.template !== undefined);

    for (const object of objects) await assertSchema(object);
    for (const { metadata, spec } of services) {
      const target = workloads.find(({ spec: { template } }) =>
        Object.entries(spec.selector).every(
          ([label, value]) => template?.metadata.labels[label] === value,
        ),
      );
      const ports = target?.spec.template?.spec.containers[0].ports.map((port) => port.name);
      assert.deepEqual(
        spec.ports?.map(({ targetPort }) => targetPort),
        ports,
        `the ports of ${metadata.name}`,
      );
    }
    const containers = workloads.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
    const ours = containers.filter(({ image }) => /(^|\/)ringmq(:|$)/.test(image));
    const named = containers.flatMap(({ args }) =>
      args.flatMap((word) => /^--lookupd-\w+-address=(.*):\d+$/.exec(word)?.[1] ?? []),
    );
    assert.ok(ours.length > 0);
    for (const { args } of ours) assertStarts(args);
    assert.deepEqual(
      named.filter((host) => !services.some(({ metadata }) => metadata.name === host)),
      [],
      'hosts that no service has',
    );
  });
}

test('the version stands in every image of ours', () => {
  const { version } = JSON.parse(readText('package.json'));

  assert.match(readText('deploy/kubernetes/overlays/example/kustomization.yaml'), tagged(version));
  assert.match(
    readText('deploy/kubernetes/overlays/replicated/kustomization.yaml'),
    tagged(version),
  );
  assert.match(readText('deploy/compose.yaml'), tagged(version));
});

test('shellcheck: has nothing to say about our scripts', {
  ...LIMIT,
  skip: isThere('shellcheck', '--version') ? false : 'shellcheck is not installed',
}, () => {
  assert.deepEqual(outputOf('shellcheck', '.ci/run'), { status: 0, text: '' });
});

/** Errors: throws what is wrong with an object. A schema passes over fields that it does not know: none is left unread. */
async function assertSchema(object: KubernetesObject): Promise<void> {
  const file = `node_modules/kubernetes-models/${object.apiVersion}/index.js`;
  const models = await import(pathToFileURL(path.join(RUNNERS, file)).href);
  const unread = new Set<string>();
  const model = new models[object.kind](object);
  // it has copied the object
  Object.assign(model, watched(object, object.metadata.name, unread));
  model.validate();
  assert.deepEqual([...unread], [], 'unknown fields');
}

/** A copy that notes in `unread` the paths of its fields until they are read. */
function watched(value: unknown, place: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [] : {};
  for (const [key, field] of Object.entries(value)) {
    unread.add(`${place}/${key}`);
    Reflect.set(copy, key, watched(field, `${place}/${key}`, unread));
  }
  return new Proxy(copy, {
    get: (target, key) => {
      unread.delete(`${place}/${String(key)}`);
      return Reflect.get(target, key);
    },
  });
}

function tagged(version: string): RegExp {
  return new RegExp(`(image: ringmq:|newTag: )${version.replaceAll('.', '\\.')}$`, 'm');
}
