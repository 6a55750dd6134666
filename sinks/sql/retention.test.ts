import { expect, test } from 'vitest';
import { RetriableError } from '../../common/errors.ts';
import { silentLogger } from '../../common/logger.ts';
import { startRetention } from './retention.ts';

/** With a clock that only counts, and a store that does what the test wants; with real ones: tables.test.ts. */

const NOW = Date.UTC(2026, 0, 31);
const DAY = 86_400_000;

function aRetention(answers: (number | Error)[]) {
  const asked: string[] = [];
  const slept: number[] = [];
  let retention: ReturnType<typeof startRetention> | undefined;
  let noMore = () => {};
  const over = new Promise<void>((resolve) => (noMore = resolve)).then(() => retention?.stop());
  retention = startRetention({
    clock: {
      now: () => NOW,
      sleep: async (ms) => {
        slept.push(ms);
        if (answers.length === 0) noMore();
      },
    },
    logger: silentLogger(),
    retentions: { log: DAY, summary: undefined, dead_letter: 2 * DAY },
    deleteBefore: async (table, before, rowsMax) => {
      asked.push(`${table.name} ${before} ${rowsMax}`);
      const answer = answers.shift() ?? 0;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { asked, slept, over };
}

const LOGS = 'tracking_log 2026-01-30T00:00:00.000000Z 5000';
const LETTERS = 'dead_letter 2026-01-29T00:00:00.000000Z 5000';

test('so many rows at a time are deleted, with pauses, until there are fewer; what is kept for ever is not looked at', async () => {
  const { asked, slept, over } = aRetention([5000, 5000, 17, 0]);
  await over;
  expect(asked).toEqual([LOGS, LOGS, LOGS, LETTERS]);
  expect(slept).toEqual([50, 50, 60_000]);
});

test('a store in trouble is asked again in the next round', async () => {
  const { asked, slept, over } = aRetention([new RetriableError('away'), 3, 0]);
  await over;
  expect(asked).toEqual([LOGS, LOGS, LETTERS]);
  expect(slept).toEqual([60_000, 60_000]);
});
