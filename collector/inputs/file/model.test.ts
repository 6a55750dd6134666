import { appendFile, copyFile, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, test } from 'vitest';
import { appendLines, createFixture, line, untilStored } from './fixture.ts';
import type { Fixture } from './fixture.ts';

/**
 * Random sequences of what happens to a log, against the model: every line that was written comes once, as long as it was collected
 * before it was taken away.
 */

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.end());

const ACTS = ['write', 'write', 'write', 'rotate', 'pack', 'truncate', 'delete', 'restart', 'crash'] as const;
/** After a crash, files that begin alike may not be known. */
const ACTS_ALIKE = ['write', 'write', 'rotate', 'pack', 'copy', 'copy', 'delete', 'restart'] as const;

const cases = {
  'C45, A13: a log that is written, rotated, packed, truncated and deleted while its collector stops and crashes':
    {
      acts: ACTS,
      header: '',
    },
  'C45, A13: a log that is written with a header, rotated, packed, copied and truncated, and deleted while its collector stops':
    {
      acts: ACTS_ALIKE,
      header: `${line('HEADER', 1100)}\n`,
    },
};

test.each(Object.entries(cases))(
  '%s comes once',
  async (_, { acts: some, header }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...some), { minLength: 4, maxLength: 14 }), async (acts) => {
        await fixture.clean();
        const dir = await fixture.tempDir();
        const log = join(dir, 'a.log');
        const config = {
          paths: [join(dir, '*.log'), join(dir, '*.gz')],
          close_after: '20ms',
          last_line_after: '150ms',
          batch_bytes_max: '700B',
        };
        let running = await fixture.start(dir, { config });
        const ids: string[] = [];
        const rotated: string[] = [];
        const write = async () => {
          const isNew = await stat(log).then(
            ({ size }) => size === 0,
            () => true,
          );
          if (isNew && header !== '') {
            await appendFile(log, header);
            ids.push('HEADER');
          }
          ids.push(...(await appendLines(log, 'L', ids.length, ids.length + 25)));
        };
        await write();
        for (const [index, act] of acts.entries()) {
          if (act === 'write') await write();
          if (act === 'rotate') {
            rotated.push(join(dir, `r${index}.log`));
            await rename(log, rotated.at(-1)!);
            await write();
          }
          if (act === 'copy') {
            rotated.push(join(dir, `c${index}.log`));
            await copyFile(log, rotated.at(-1)!);
            await truncate(log);
            await write();
          }
          const old = act === 'pack' ? rotated.shift() : undefined;
          if (old !== undefined) {
            await writeFile(`${old}.gz`, gzipSync(await readFile(old)));
            await rm(old);
          }
          if (act === 'truncate' || act === 'delete') {
            await untilStored(fixture, ids);
            await (act === 'truncate' ? truncate(log) : rm(log));
            await write();
          }
          if (act === 'restart' || act === 'crash') {
            if (act === 'crash') running.force.abort();
            await running.input.stop();
            running = await fixture.start(dir, { config });
          }
        }
        await untilStored(fixture, ids);
      }),
      { numRuns: 20 },
    );
  },
  120_000,
);
