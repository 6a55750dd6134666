import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createUpGround } from './support/up-ground.ts';
import type { Up } from './support/up-ground.ts';

/** What is asked for where nothing can be written is the operator's mistake, told in one line. */

async function expectWords(run: Up, words: RegExp): Promise<void> {
  expect(await run.ended).toBe(1);
  expect(run.output()).toMatch(words);
  expect(run.output().trimEnd().split('\n')).toHaveLength(1);
}

test('a data folder that cannot be made is told with the reason', async () => {
  await using ground = await createUpGround();
  await writeFile(join(ground.dir, 'file'), '');
  await expectWords(
    ground.start(['up', '--data-dir', 'file/data']),
    /^tranweave: the folder .*\/file\/data\/logs cannot be made: ENOTDIR/,
  );
  await expectWords(
    ground.start(['up', '--data-dir', 'file']),
    /^tranweave: the folder .*\/file\/logs cannot be made: ENOTDIR/,
  );
  if (existsSync('/proc/self')) {
    await expectWords(
      ground.start(['up', '--data-dir', '/proc/nope']),
      /^tranweave: the folder \/proc\/nope\/logs cannot be made: ENOENT/,
    );
  }
}, 60_000);

test('made-up logs whose file cannot be written are told with the reason', async () => {
  await using ground = await createUpGround();
  await expectWords(
    ground.start(['generate', join(ground.dir, 'nowhere', 'x')]),
    /^tranweave: .*\/nowhere\/x cannot be written: ENOENT/,
  );
}, 60_000);
