import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check } from '../../../scripts/tidy.ts';

/** A tree that keeps every rule. */
const CLEAN: Readonly<Record<string, string>> = {
  'src/main/index.ts': "import { Word } from '../shared/word.ts';\nnew Word();\n",
  'src/workers/pump-thread.ts':
    "import type { Word } from '../shared/word.ts';\n\n/** Runs. */\nexport default function run(word: Word): Word {\n  return word;\n}\n",
  'src/shared/word.ts': '/** A word. */\nexport class Word {}\n',
};

/** The findings in the clean tree with these files added or replaced, as they are printed. */
function findings(files: Readonly<Record<string, string>>): string[] {
  const tree = new Map(Object.entries({ ...CLEAN, ...files }));
  return check(tree).map(({ file, line, what }) => `${file}:${line}: ${what}`);
}

test('tidy: a clean tree has no findings', () => {
  assert.deepStrictEqual(findings({}), []);
});

test('tidy: imports point from main and workers to shared', () => {
  const found = findings({
    'src/main/a.ts': "import type { B } from '../workers/b.ts';\nimport '../shared/c.ts';\n",
    'src/workers/b.ts': "import '../main/a.ts';\nexport * from '../shared/c.ts';\n",
    'src/shared/c.ts': "\nvoid import('../main/d.ts');\n",
    'src/main/d.ts': "import fs from 'node:fs';\nimport '../../test/support/e.ts';\n",
    'src/stray.ts': '',
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:1: src/main does not import src/workers/b.ts',
    'src/main/d.ts:2: src/main does not import test/support/e.ts',
    'src/shared/c.ts:2: src/shared does not import src/main/d.ts',
    'src/stray.ts:1: a file of src is in a room',
    'src/workers/b.ts:1: src/workers does not import src/main/a.ts',
    'src/workers/b.ts:1: a cycle of imports: src/main/a.ts → src/workers/b.ts → src/main/a.ts',
  ]);
});

test('tidy: imports make no cycles, not even of types', () => {
  const found = findings({
    'src/main/a.ts': "import type { B } from './b.ts';\n",
    'src/main/b.ts': "\nimport {\n  type C,\n} from './c.ts';\n",
    'src/main/c.ts': "export type { A } from './a.ts';\n",
  });

  assert.deepStrictEqual(found, [
    'src/main/c.ts:1: a cycle of imports: src/main/a.ts → src/main/b.ts → src/main/c.ts → src/main/a.ts',
  ]);
});

test('tidy: text in a comment or a string is not an import', () => {
  const found = findings({
    'src/main/a.ts':
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a file
      "// import '../workers/b.ts'\nconst text = \"import '../workers/b.ts'\";\nconst more = `${'}'} from '../workers/b.ts'`;\nuse(text, more);\n",
  });

  assert.deepStrictEqual(found, []);
});

test('tidy: one file of main names the worker files', () => {
  const start = "start(new URL('../workers/pump-thread.ts', import.meta.url));\n";

  const once = findings({ 'src/main/pools.ts': start });
  const twice = findings({ 'src/main/pools.ts': start, 'src/main/other.ts': start });

  const what = '"../workers/pump-thread.ts": worker files are named in one file of src/main';
  assert.deepStrictEqual(
    [once, twice],
    [[], [`src/main/other.ts:1: ${what}`, `src/main/pools.ts:1: ${what}`]],
  );
});

test('tidy: a shared file is used by two rooms, directly or not', () => {
  const found = findings({
    'src/shared/word.ts': "/** A word. */\nexport class Word {}\nimport './deep.ts';\n",
    'src/shared/deep.ts': '',
    'src/shared/lonely.ts': '',
    'src/shared/half.ts': '',
    'src/main/a.ts': "import '../shared/half.ts';\n",
  });

  assert.deepStrictEqual(found, [
    'src/shared/half.ts:1: only src/main uses this shared file',
    'src/shared/lonely.ts:1: no room uses this shared file',
  ]);
});

test('tidy: inside a room imports point down its levels', () => {
  const found = findings({
    'src/main/topics/a.ts': "import '../pumps/b.ts';\nimport '../tcp/c.ts';\n",
    'src/main/pumps/b.ts': "import '../stray.ts';\n",
    'src/main/tcp/c.ts': '',
    'src/main/stray.ts': '',
    'src/workers/disk/segments/d.ts': "import '../files/e.ts';\nimport '../queue.ts';\n",
    'src/workers/disk/files/e.ts': '',
    'src/workers/disk/queue.ts': '',
  });

  assert.deepStrictEqual(found, [
    'src/main/pumps/b.ts:1: pumps is below src/main: src/main/stray.ts',
    'src/main/topics/a.ts:2: topics is below tcp: src/main/tcp/c.ts',
    'src/workers/disk/segments/d.ts:2: segments is below src/workers/disk: src/workers/disk/queue.ts',
  ]);
});

test('tidy: file names are kebab-case words that say something', () => {
  const names = ['aB', 'a_b', 'v2-parser', 'string-utils', 'common', 'manager-room', 'community'];
  const files = names.map((name) => [`src/main/${name}.ts`, '']);

  const found = findings({
    ...Object.fromEntries(files),
    'src/workers/index.ts': '',
    'test/unit/main/ring.test.ts': '',
    'test/unit/main/topic_map.test.ts': '',
  });

  assert.deepStrictEqual(found, [
    'src/main/aB.ts:1: a file name is kebab-case',
    'src/main/a_b.ts:1: a file name is kebab-case',
    'src/main/common.ts:1: "common" in a file name says nothing',
    'src/main/manager-room.ts:1: "manager" in a file name says nothing',
    'src/main/string-utils.ts:1: "utils" in a file name says nothing',
    'src/main/v2-parser.ts:1: a file name has no digits',
    'src/workers/index.ts:1: the only index.ts is src/main/index.ts',
    'test/unit/main/topic_map.test.ts:1: a file name is kebab-case',
  ]);
});

test('tidy: Atomics belongs to the ring and counter files', () => {
  const use = '// Atomics\nAtomics.load(words, 0);\n';

  const found = findings({
    'src/main/a.ts': `${use}import '../shared/ring/b.ts';\nimport '../shared/counters.ts';\n`,
    'src/workers/a.ts': "import '../shared/ring/b.ts';\nimport '../shared/counters.ts';\n",
    'src/shared/ring/b.ts': use,
    'src/shared/counters.ts': use,
    'test/support/a.ts': use,
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:2: Atomics is only for src/shared/ring and src/shared/counters*.ts',
  ]);
});

test('tidy: clocks and timers belong to the clock file', () => {
  const found = findings({
    'src/main/a.ts':
      "Date.now();\nperformance.now();\nsetTimeout(run, 1);\nsocket.setTimeout(5);\nsetImmediate(run);\nsay('Date.now');\nglobalThis.setInterval(run);\nimport { setTimeout as sleep } from 'node:timers/promises';\nimport '../shared/clock.ts';\n",
    'src/workers/a.ts': "import '../shared/clock.ts';\n",
    'src/shared/clock.ts': 'setTimeout(Date.now, 5);\n',
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:1: Date.now is only for src/shared/clock.ts',
    'src/main/a.ts:2: performance.now is only for src/shared/clock.ts',
    'src/main/a.ts:3: setTimeout is only for src/shared/clock.ts',
    'src/main/a.ts:7: globalThis.setInterval is only for src/shared/clock.ts',
    'src/main/a.ts:8: setTimeout is only for src/shared/clock.ts',
  ]);
});

test('tidy: directories above others are made by one function', () => {
  const found = findings({
    'src/main/a.ts':
      'mkdirSync(a, { mode, recursive: true });\nawait mkdir(a, { recursive: true });\nmkdirSync(a, 5);\nrmSync(a, { recursive: true });\n',
    'test/support/a.ts': 'mkdirSync(a, { recursive: true });\n',
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:1: mkdirSync(a, { mode, recursive is only for src/daemon/directories.ts',
    'src/main/a.ts:2: mkdir(a, { recursive is only for src/daemon/directories.ts',
  ]);
});

test('tidy: only the worker entries have a default export', () => {
  const found = findings({
    'src/main/a.ts': '/** A. */\nexport default class A {}\n',
    'src/main/b.ts': 'class B {}\nexport { B as default };\n',
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:2: export default is only for the worker entries',
    'src/main/b.ts:2: as default is only for the worker entries',
  ]);
});

test('tidy: every exported symbol has a doc comment', () => {
  const found = findings({
    'src/main/a.ts': [
      '/** A constant. */',
      'export const A = 1;',
      'export const A_NEXT = 2;',
      '',
      'export const B = 3;',
      '// not a doc comment',
      'export function c(): void {}',
      '/**',
      ' * Overloaded.',
      ' */',
      'export function d(): void;',
      'export function d(given?: number): void {}',
      '/** Documented. */',
      '// biome-ignore lint: a reason',
      'export async function* e(): void {}',
      'export type F = 1;',
      '/* plain */',
      'export abstract class G {}',
      'class Hidden {}',
      '',
    ].join('\n'),
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:5: B has no doc comment',
    'src/main/a.ts:7: c has no doc comment',
    'src/main/a.ts:16: F has no doc comment',
    'src/main/a.ts:18: G has no doc comment',
  ]);
});

test('tidy: the comment that opens a file documents what the file is named after', () => {
  const found = findings({
    'src/main/topic-map.ts':
      '/**\n * All topics.\n */\n\nimport a from "b";\n\nexport class TopicMap {}\nexport class Other {}\n',
  });

  assert.deepStrictEqual(found, ['src/main/topic-map.ts:8: Other has no doc comment']);
});

test('tidy: files of src have 400 lines at most', () => {
  const found = findings({
    'src/main/a.ts': '\n'.repeat(400),
    'src/main/b.ts': '\n'.repeat(401),
    'test/support/c.ts': '\n'.repeat(401),
  });

  assert.deepStrictEqual(found, [
    'src/main/b.ts:1: a file of 401 lines, 400 at most: it holds two ideas',
  ]);
});

test('tidy: lines of src have 120 characters at most', () => {
  const found = findings({
    'src/main/a.ts': `${'a'.repeat(120)}\n${'b'.repeat(121)}\n`,
    'test/unit/main/a.test.ts': 'c'.repeat(200),
  });

  assert.deepStrictEqual(found, ['src/main/a.ts:2: a line of 121 characters, 120 at most']);
});

test('tidy: no comment says that something is left to do', () => {
  const [first, second] = ['TO', 'FIX'].map((start, index) => start + ['DO', 'ME'][index]);

  const found = findings({
    'src/main/a.ts': `say('${first}');\n/*\n * ${first} later\n */\n// see ${second}: here\n`,
    'scripts/b.ts': `run(); // ${second}\n`,
  });

  assert.deepStrictEqual(found, [
    `scripts/b.ts:1: a ${second} is left`,
    `src/main/a.ts:3: a ${first} is left`,
    `src/main/a.ts:5: a ${second} is left`,
  ]);
});

test('tidy: no catch is empty', () => {
  const found = findings({
    'src/main/a.ts':
      'try {\n} catch {}\ntry {\n} catch (error) {\n  // nothing to do\n}\ndone.catch(() => {});\ntry {\n} catch (error) {\n  log(error);\n}\n',
    'scripts/b.ts': "say('catch {}');\n",
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:2: a catch handles the error or adds context',
    'src/main/a.ts:4: a catch handles the error or adds context',
    'src/main/a.ts:7: a catch handles the error or adds context',
  ]);
});

test('tidy: an error that is dropped has its reason in a comment', () => {
  const found = findings({
    'src/main/a.ts': [
      'try {',
      '} catch {',
      '  // ESRCH: there is no such process.',
      '  end(false);',
      '}',
      '// Both may fail before the caller waits.',
      'first.catch(() => undefined);',
      'second.catch(() => undefined);',
      'call();',
      'third.catch(() => undefined);',
      'try {',
      '} catch {',
      '  end(true);',
      '}',
      '',
    ].join('\n'),
  });

  assert.deepStrictEqual(found, [
    'src/main/a.ts:10: a comment says why the error may be dropped',
    'src/main/a.ts:12: a comment says why the error may be dropped',
  ]);
});

test('tidy: strings, templates and regular expressions hide what looks like code', () => {
  const found = findings({
    'src/main/a.ts': [
      'const quote = /[\'"`]/;',
      'const slash = /[/]\\/*/;',
      'const ratio = width / 2; // setTimeout',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a file
      'const text = `a ${nested(`b ${"}"} setTimeout`, { c: 1 })} setTimeout`;',
      "const escaped = 'it\\'s setTimeout';",
      'setTimeout(text);',
      '',
    ].join('\n'),
  });

  assert.deepStrictEqual(found, ['src/main/a.ts:6: setTimeout is only for src/shared/clock.ts']);
});
