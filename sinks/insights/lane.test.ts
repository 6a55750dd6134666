import * as v from 'valibot';
import { expect, test } from 'vitest';
import { timestampFromMillis } from '../../common/timestamp.ts';
import { insightSchema } from './config.ts';
import { countRevision, seenBy } from './count.ts';
import { definitionOf } from './definition.ts';
import { parseRecorded } from './definitions.ts';
import { aRevision, INSIGHT, T0 } from './fixture.ts';
import { batchOf, createLab } from './lab.ts';
import { laneKeys } from './lane-keys.ts';
import { readState } from './lane-reader.ts';
import { readLane } from './lane-state.ts';
import { applyChanges } from './lane-writer.ts';

const never = new AbortController().signal;
const HOUR = 3_600_000;

test('what was computed from numbers that have changed since is not written, and computed again it is late', async () => {
  await using lab = await createLab();
  const { redis, keys } = lab;
  const insight = v.parse(insightSchema, { ...INSIGHT, lateness: '0s' });
  const definition = definitionOf(insight);
  const sink = lab.sink(1, insight);
  await sink.open(never);
  const at = T0 + 2 * HOUR;
  const later = timestampFromMillis(at);
  await sink.write(batchOf(0, 'a', T0, [aRevision({})]), never);
  await sink.write(batchOf(0, 'b', at, [aRevision({ transaction_id: 'T-2', started_at: later })]), never);

  const { generation } = parseRecorded((await redis.hget(keys.insights(), 'definition:orders'))!);
  const lane = laneKeys(keys, 0, { definition, generation });
  const slow = async () => {
    const read = await readLane(redis, keys, { partition: 0, fence: 1 }, [{ definition, generation }], 1);
    const seen = seenBy(
      definition,
      aRevision({ transaction_id: 'T-3' }),
      { created: T0, version: 1 },
      at,
      '',
    );
    const state = await readState(redis, lane, definition, [seen]);
    countRevision(definition, state, seen);
    const applied = {
      laneKey: keys.insightLane(0),
      fence: 1,
      token: 'c',
      version: read!.version,
      counted: at,
    };
    return { write: () => applyChanges(redis, applied, [{ keys: lane, state }]), state };
  };
  const before = await slow();
  await lab.combine(1, insight);
  expect((await lab.rows('orders'))[0]).toMatchObject({ state: 'final', transactions: 1 });
  expect([await before.write(), await redis.hgetall(lane.groups(T0))]).toEqual(['stale', {}]);
  const again = await slow();
  expect([again.state.losses.get(T0), await again.write(), await again.write()]).toEqual([
    { late: 1, leftOut: 0 },
    'ok',
    'done',
  ]);
});
