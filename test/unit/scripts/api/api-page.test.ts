import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiPage } from '../../../../scripts/api/api-page.ts';
import { declarationsOf } from '../../../../scripts/api/declarations.ts';

const FILES: Readonly<Record<string, string>> = {
  'client/client.d.ts': `/** All. */
export { Door, type Key } from './door.ts';
export type { Size } from './size.ts';
`,
  'client/door.d.ts': `/** A file. */
import type { Size } from './size.ts';
/** A key: \`{\` in a comment means nothing. */
export type Key = 'iron' | 'gold';
/**
 * A door.
 *
 * It opens.
 *
 * @example
 * \`\`\`ts
 * new Door().open({ by: 'hand' });
 * \`\`\`
 */
export declare class Door {
    #private;
    /** Opens it (slowly. */
    open({ by }: {
        readonly by: Size;
    }): Promise<void>;
}
`,
  'client/size.d.ts': `/** A size. */
export type Size = {
    readonly width: number;
};
`,
};

test('declarationsOf: exported names, their comments, examples and code', () => {
  const declarations = declarationsOf('client/client.d.ts', (file) => FILES[file]);

  assert.deepEqual(declarations, [
    {
      name: 'Door',
      text: 'A door.\n\nIt opens.',
      examples: ["new Door().open({ by: 'hand' });"],
      code: `export class Door {
    #private;
    /** Opens it (slowly. */
    open({ by }: {
        readonly by: Size;
    }): Promise<void>;
}`,
    },
    {
      name: 'Key',
      text: 'A key: `{` in a comment means nothing.',
      examples: [],
      code: "export type Key = 'iron' | 'gold';",
    },
    {
      name: 'Size',
      text: 'A size.',
      examples: [],
      code: 'export type Size = {\n    readonly width: number;\n};',
    },
  ]);
});

test('declarationsOf: a name that is not declared is an error', () => {
  const files: Record<string, string> = {
    'a.d.ts': "export { Gone } from './b.ts';\n",
    'b.d.ts': '',
  };

  assert.throws(
    () => declarationsOf('a.d.ts', (file) => files[file]),
    /b\.d\.ts does not declare Gone/,
  );
});

test('apiPage: contents, then a section for each name', () => {
  const declarations = declarationsOf('client/client.d.ts', (file) => FILES[file]);

  const page = apiPage([{ name: 'ringmq/client', declarations }]);

  assert.match(page, /- `ringmq\/client`\n {2}- \[Door\]\(#door\)\n {2}- \[Key\]\(#key\)\n/);
  assert.match(page, /### Size\n\nA size\.\n\n```ts\nexport type Size = \{\n/);
  assert.match(page, /For example:\n\n```ts\nnew Door\(\)\.open\(\{ by: 'hand' \}\);\n```\n/);
});

test('apiPage: what two entries have is shown once', () => {
  const declarations = declarationsOf('client/client.d.ts', (file) => FILES[file]);

  const page = apiPage([
    { name: 'ringmq', declarations: declarations.slice(1) },
    { name: 'ringmq/client', declarations },
  ]);

  assert.match(page, /Also from here, the same as below: \[Key\]\(#key\), \[Size\]\(#size\)\.\n/);
  assert.equal(page.match(/### Key/g)?.length, 1);
});
