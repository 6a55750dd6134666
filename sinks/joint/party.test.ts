import * as v from 'valibot';
import { expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { withResolvers } from '../../common/testing/with-resolvers.ts';
import { batchConfigSchema } from '../config.ts';
import { createPace } from '../pace.ts';
import { createSlots } from '../slots.ts';
import { untilTaken } from '../until-taken.ts';
import type { Offer } from './offers.ts';
import { createParty } from './party.ts';
import type { JointDeps } from './write.ts';

test('the streams of a joint batch count as working from its first attempt on, so that one which hangs shows', async () => {
  const party = createParty({
    slots: createSlots(() => 2),
    pace: createPace(v.parse(batchConfigSchema, {}), { joint: true }),
    clock: systemClock,
    logger: silentLogger(),
  } as unknown as JointDeps);
  let state = 'idle';
  const deps = { onIdle: () => (state = 'idle'), onProgress: () => (state = 'working') };
  const offer = { carried: { signal: new AbortController().signal, deps } } as unknown as Offer;
  const [joined, written] = [withResolvers(), withResolvers()];
  const attempt = async () => {
    party.join([offer]);
    joined.resolve();
    await written.promise;
  };
  const taken = untilTaken(party.writer, () => party.attempt(attempt));
  await joined.promise;
  expect(state).toBe('working');
  written.resolve();
  await taken;
});
