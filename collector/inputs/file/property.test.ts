import { appendFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inFoldersOfTheirOwn, failing, line, linesOf, until, untilStored } from './fixture.ts';
import type { Fixture, StartOptions } from './fixture.ts';

let fixture: Fixture;
let dir: string;
let log: string;

inFoldersOfTheirOwn((given) => {
  ({ fixture, dir, log } = given);
});

const stored = (ids: readonly string[]) => untilStored(fixture, ids, 60_000);

type Act =
  | { act: 'lines'; count: number }
  | { act: 'half' }
  | { act: 'rotate' }
  | { act: 'wait'; ms: number }
  | { act: 'restart'; killed: boolean; bytes: number; open: number };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('lines' as const), count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('half' as const) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('rotate' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 25 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant('restart' as const),
      killed: fc.boolean(),
      bytes: fc.integer({ min: 30, max: 3000 }),
      open: fc.integer({ min: 1, max: 3 }),
    }),
  },
);

describe('whatever happens', () => {
  test('every line arrives exactly once, in records that are never cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 4, maxLength: 25 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer(),
        async (acts, faultPercent, seed) => {
          const random = pseudoRandom(seed);
          let faults = true;
          const redis = failing(fixture.redis, () => {
            if (!faults || random() * 100 >= faultPercent) return undefined;
            return random() < 0.5 ? 'before' : 'after';
          });
          const failures: unknown[][] = [];
          const start = async (config: StartOptions['config']) => {
            const one = await fixture.start(dir, {
              redis,
              config: { last_line_after: '1h', close_after: '1m', ...config },
            });
            failures.push(one.failures);
            return one;
          };
          let running = await start({ batch_bytes_max: '700B' });
          const ids = await play(acts, async (next) => {
            if (next.killed) running.force.abort();
            await running.input.stop();
            running = await start({ batch_bytes_max: `${next.bytes}B`, files_open_max: next.open });
          });
          faults = false;
          await stored(ids);
          await until(async () => expect(await running.metric('tranweave_collector_behind_bytes')).toBe(0));
          // Nothing came after that either.
          await stored(ids);
          expect(await fixture.deadLetters()).toEqual([]);
          expect(failures.flat()).toEqual([]);
          await fixture.clean();
          dir = await fixture.tempDir();
          log = join(dir, 'a.log');
        },
      ),
      { numRuns: 25, endOnFailure: true },
    );
  }, 120_000);

  /** Writes as the acts say; ends with whole lines. Returns the ids that were written. */
  async function play(
    acts: readonly Act[],
    restart: (next: Extract<Act, { act: 'restart' }>) => Promise<void>,
  ): Promise<string[]> {
    const ids: string[] = [];
    let rest = '';
    let files = 0;
    await writeFile(log, '');
    for (const next of acts) {
      if (next.act === 'lines') {
        const more = linesOf('L', ids.length, ids.length + next.count);
        await appendFile(log, rest + more.text);
        rest = '';
        ids.push(...more.ids);
      } else if (next.act === 'half' && rest === '') {
        const text = `${line(`L${String(ids.length).padStart(4, '0')}`)}\n`;
        ids.push(`L${String(ids.length).padStart(4, '0')}`);
        await appendFile(log, text.slice(0, 15));
        rest = text.slice(15);
      } else if (next.act === 'rotate' && rest === '') {
        files += 1;
        await rename(log, join(dir, `rotated-${files}.log`));
        await writeFile(log, '');
      } else if (next.act === 'wait') {
        await new Promise((resolve) => setTimeout(resolve, next.ms));
      } else if (next.act === 'restart') {
        await restart(next);
      }
    }
    await appendFile(log, rest);
    return ids;
  }
});

/** mulberry32: the same numbers for the same seed. */
function pseudoRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
