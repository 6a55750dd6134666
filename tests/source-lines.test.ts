import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const LOADED = new URL('../dist/common/source-lines.js', import.meta.url).href;

/** The stack of an error of a program of two modules, of which only one has a map: its second line is the tenth of `made.ts`. */
function stackOf(map: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'tranweave-lines-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  writeFileSync(
    join(dir, 'made.mjs'),
    '// compiled\nexport const fail = () => { throw new TypeError("no"); };\n',
  );
  writeFileSync(join(dir, 'made.mjs.map'), map);
  const main = join(dir, 'main.mjs');
  const made = pathToFileURL(join(dir, 'made.mjs')).href;
  writeFileSync(
    main,
    `import ${JSON.stringify(LOADED)};
import { fail } from ${JSON.stringify(made)};
try { fail(); } catch (error) { console.log(error.stack); }`,
  );
  return execFileSync(process.execPath, [main], { encoding: 'utf8' });
}

test('errors name lines of the sources where there is a map, and lines of what was compiled where there is none', () => {
  const stack = stackOf(
    JSON.stringify({ version: 3, sources: ['src/made.ts'], names: [], mappings: ';AASA' }),
  );
  expect(stack).toMatch(
    /^TypeError: no\n {4}at fail \(\/.*\/src\/made\.ts:10:1\)\n {4}at file:.*main\.mjs:3:7\n/,
  );
});

test('a map that cannot be read hides no error', () => {
  expect(stackOf('no map')).toMatch(/^TypeError: no\n {4}at fail \(file:.*made\.mjs:2:35\)\n/);
});
