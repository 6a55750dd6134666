import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { RecordPipeline } from '../../outcome.ts';
import { createFixture, keys, until } from './fixture.ts';
import type { Fixture, Running } from './fixture.ts';

/**
 * Whatever a writer and the collector do when: the records that were stored lie side by side in the file, none over another, and
 * between them is nothing but what frames them.
 */

let fixture: Fixture;
beforeAll(async () => {
  fixture = await createFixture();
});
afterAll(() => fixture.end());

/** Each record becomes a log that says its bytes. */
const tellBytes: RecordPipeline = {
  usesHeader: true,
  maskLetter: (letter) => letter,
  fromStandardLine: () => undefined,
  fromBytes: ({ bytes, event_id }) => [
    {
      kind: 'log',
      log: {
        event_id,
        transaction_id: event_id,
        step: 's',
        branch: '',
        attempt: 1,
        status: 'info',
        event_time: '2026-01-31T09:15:00.000000Z',
        ingest_time: '2026-01-31T09:15:00.000000Z',
        channel: 'file',
        input: 'in',
        payload: bytes.toString('latin1'),
      },
    },
  ],
  fromFields: () => [],
};

type Step =
  { do: 'write'; text: string } | { do: 'rest' } | { do: 'restart'; forced: boolean; crashed: boolean };

const stepsOf = (pieces: readonly string[]) =>
  fc.array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 12 })
          .map((parts): Step => ({ do: 'write', text: parts.join('') })),
      },
      { weight: 1, arbitrary: fc.constant<Step>({ do: 'rest' }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('restart' as const),
          forced: fc.boolean(),
          crashed: fc.boolean(),
        }),
      },
    ),
    { minLength: 3, maxLength: 12 },
  );

test.each([
  ['lines', { type: 'newline' }, ['ab', 'c', '\n', '\r\n', '\n\n'], /^[\r\n]*$/],
  [
    'several lines',
    { type: 'multi-line', start: String.raw`^\[`, flush_after: '20ms' },
    ['[1] a\n', '[2] b', '\n', ' at c\n', ' at d', '\n\n', '[', 'x\n'],
    /^[\r\n]*$/,
  ],
  ['fixed lengths', { type: 'fixed-length', bytes: 5 }, ['abcde', 'fg', 'hijk', '\n'], /^$/],
  ['XML', { type: 'xml', root: 'e' }, ['<e>', 'x', '</e>', '<e/>', '\n', '<e a="', '1">'], /^\s*$/],
])('%s', { timeout: 120_000 }, async (_name, framing, pieces, between) => {
  const config = { framing, last_line_after: '40ms', batch_bytes_max: '40B', line_bytes_max: '60B' };
  await fc.assert(
    fc.asyncProperty(stepsOf(pieces), async (steps) => {
      await fixture.clean();
      const dir = await fixture.tempDir();
      const file = join(dir, 'a.log');
      await writeFile(file, 'the first line shows which file it is\n');
      const start = () => fixture.start(dir, { config, deps: { pipeline: tellBytes } });
      const rest = async () => {
        const { size } = await stat(file);
        await until(async () => {
          expect(await fixture.redis.hvals(keys.lowWater('in'))).toEqual([String(size)]);
        });
      };
      let running: Running = await start();
      for (const step of steps) {
        if (step.do === 'write') await appendFile(file, step.text);
        else if (step.do === 'rest') await rest();
        else {
          // While reading and appending may be under way.
          await systemClock.sleep(5);
          if (step.forced) running.force.abort();
          await running.input.stop();
          if (step.crashed) await loseLastMark();
          running = await start();
        }
      }
      await rest();
      await expectTiles(await readFile(file, 'latin1'), between);
    }),
    { numRuns: 12 },
  );
});

/** As after a crash between the append of the last record and the mark that all partitions have it. */
async function loseLastMark(): Promise<void> {
  const last = Math.max(...(await storedTiles()).map(({ start }) => start));
  for (const source of await fixture.redis.hkeys(keys.lowWater('in'))) {
    if (last >= 0) await fixture.redis.hset(keys.lowWater('in'), source, String(last));
  }
}

async function storedTiles() {
  const tiles: { event_id: string; text: string; bytes?: string }[] = [
    ...(await fixture.logs()).map(({ event_id, payload = '' }) => ({ event_id, text: payload })),
    ...(await fixture.deadLetters()).map(({ event_id, raw_base64, meta }) => ({
      event_id,
      text: Buffer.from(raw_base64, 'base64').toString('latin1'),
      ...(meta['bytes'] === undefined ? {} : { bytes: meta['bytes'] }),
    })),
  ];
  return tiles.map(({ event_id, text, bytes }) => ({
    text,
    bytes: Number(bytes ?? text.length),
    start: Number(event_id.slice(event_id.lastIndexOf('@') + 1)),
  }));
}

async function expectTiles(content: string, between: RegExp): Promise<void> {
  const tiles = (await storedTiles()).sort((a, b) => a.start - b.start);
  let end = 0;
  for (const tile of tiles) {
    expect(content.slice(end, tile.start)).toMatch(between);
    expect(content.slice(tile.start, tile.start + tile.text.length)).toBe(tile.text);
    end = tile.start + tile.bytes;
  }
  expect(content.slice(end)).toMatch(between);
}
