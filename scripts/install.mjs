// Brings node_modules up to date with package-lock.json, if it is not yet: the packages for running, or with `--all`
// also those for checks and tests. Plain JavaScript without dependencies, because it runs first on a fresh clone, on
// the machine's own Node. It changes nothing outside node_modules and data.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The oldest Node that can install. */
const OLDEST_MAJOR = 20;
const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const wantsAll = process.argv.includes('--all');

if (Number(process.versions.node.split('.')[0]) < OLDEST_MAJOR) {
  fail(`Node ${OLDEST_MAJOR} or newer is needed to install, this is ${process.version}`);
}
const packages = readPackages('package-lock.json');
if (packages === undefined) fail('package-lock.json is missing');
const newerNode = wantsAll || canRun() ? undefined : packages['node_modules/node'].version;

if (!isInStep()) {
  // A development dependency that is needed for running too.
  const extras = [`esbuild@${packages['node_modules/esbuild'].version}`];
  console.error(`ringmq: installing what ${wantsAll ? 'the tests need' : 'the broker needs'}`);
  // Packages that are requested here are installed whatever NODE_ENV or the user's configuration omit.
  npm('ci', '--include=optional', wantsAll ? '--include=dev' : '--omit=dev');
  if (newerNode !== undefined) {
    console.error(`ringmq: installing Node ${newerNode}, because the machine's is too old`);
    extras.push(`node@${newerNode}`);
  }
  // `--omit=dev` omits them; `--save-prod` includes them, and `--no-save` writes nothing.
  if (!wantsAll) npm('install', '--no-save', '--save-prod', '--omit=dev', ...extras);
}
if (!wantsAll) mkdirSync(path.join(root, 'data'), { recursive: true });

/**
 * Whether the machine's Node, which runs npm, can run the broker. The Node that runs this script may be an installed
 * one.
 */
function canRun() {
  const ofNpm = / node\/v([\d.]+)/.exec(process.env['npm_config_user_agent'] ?? '');
  const [major, minor] = (ofNpm?.[1] ?? process.versions.node).split('.').map(Number);
  const [oldestMajor, oldestMinor] = readJson('package.json')
    .engines.node.match(/\d+/g)
    .map(Number);
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** Whether node_modules has the packages in the lock file, according to npm's own record. */
function isInStep() {
  const installed = readPackages('node_modules/.package-lock.json');
  if (installed === undefined) return false;
  return Object.entries(packages).every(([where, { version, dev, optional, devOptional }]) => {
    if (where === '') return true;
    const isNewerNode = where === 'node_modules/node' && newerNode !== undefined;
    if (dev && !wantsAll && !isNewerNode) return true;
    const found = installed[where];
    // A package for another platform is not there.
    return found === undefined ? optional || (devOptional && !wantsAll) : found.version === version;
  });
}

/**
 * Runs npm on the machine's Node: an installed one would be removed while it runs. The output goes to stderr, because
 * stdout belongs to the caller.
 */
function npm(...words) {
  const programs = path.join(root, 'node_modules', '.bin');
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const { status } = spawnSync('npm', [...words, '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, PATH: folders.filter((one) => one !== programs).join(path.delimiter) },
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`npm ${words[0]} failed`);
}

function readPackages(name) {
  try {
    return readJson(name).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function readJson(name) {
  return JSON.parse(readFileSync(path.join(root, name), 'utf8'));
}

function fail(reason) {
  console.error(`ringmq: ${reason}`);
  process.exit(1);
}
