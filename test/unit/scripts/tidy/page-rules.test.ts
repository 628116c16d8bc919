import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPages } from '../../../../scripts/tidy/page-rules.ts';

const OTHER = `# Other page

## The files
## The files
## \`ok\` after the write, and more?

\`\`\`
## not a heading
\`\`\`
`;

function check(text: string): string[] {
  const pages = new Map([
    ['README.md', text],
    ['docs/other.md', OTHER],
  ]);
  return checkPages(pages, (file) => file === 'LICENSE').map(
    ({ line, what }) => `${line}: ${what}`,
  );
}

test('checkPages: links to pages, files, headings and sites that exist', () => {
  const findings = check(`# Here
[a](docs/other.md) [b](LICENSE) [c](#here) [d](docs/other.md#the-files-1)
[e](docs/other.md#ok-after-the-write-and-more) [f](https://example.org/x.md#y)`);

  assert.deepEqual(findings, []);
});

test('checkPages: a file that does not exist', () => {
  assert.deepEqual(check('\n[a](docs/gone.md#x)'), [
    '2: a link to docs/gone.md, which does not exist',
  ]);
});

for (const link of [
  '#nowhere',
  'docs/other.md#the-files-2',
  'docs/other.md#not-a-heading',
  'LICENSE#x',
]) {
  test(`checkPages: no heading for ${link}`, () => {
    assert.deepEqual(check(`[a](${link})`), [
      `1: a link to a heading that does not exist: ${link}`,
    ]);
  });
}

test('checkPages: links in code are no links', () => {
  assert.deepEqual(check('`[a](gone.md)`\n\n    [b](gone.md)\n\n```\n[c](gone.md)\n```\n'), []);
});

test('checkPages: a link from a folder is relative to it', () => {
  const pages = new Map([
    ['docs/a.md', '[b](b.md) [readme](../README.md) [wrong](README.md)'],
    ['docs/b.md', ''],
    ['README.md', ''],
  ]);

  const findings = checkPages(pages, () => false);

  assert.deepEqual(findings, [
    { file: 'docs/a.md', line: 1, what: 'a link to README.md, which does not exist' },
  ]);
});
