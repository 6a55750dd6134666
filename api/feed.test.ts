import { expect, test } from 'vitest';
import { systemClock } from '../common/clock.ts';
import { silentLogger } from '../common/logger.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { createKeys } from '../common/redis/keys.ts';
import { until } from '../common/testing/until.ts';
import { withResolvers } from '../common/testing/with-resolvers.ts';
import type { FeedClient } from './feed-client.ts';
import { createFeed } from './feed.ts';
import { BEGINNING } from './position.ts';
import type { Position } from './position.ts';
import type { FeedEntry } from './read-summaries.ts';
import { createApiRig } from './testing/rig.ts';

/** The feed on a real Redis, one of whose answers is long on its way. */

interface Listener extends FeedClient {
  begun: readonly Position[];
  entries: FeedEntry[];
}

/** A client that takes everything at once. */
function listener(gone: AbortSignal): Listener {
  const positions = [BEGINNING, BEGINNING];
  const client: Listener = {
    begun: [],
    entries: [],
    gone,
    begin: (from) => {
      client.begun = from;
      positions.splice(0, from.length, ...from);
    },
    entry: (partition, entry) => {
      client.entries.push(entry);
      positions[partition] = { id: entry.id, ordinal: entry.ordinal, rows: 0 };
    },
    gap: (partition, _gap, behind) => {
      positions[partition] = behind;
    },
    trouble: () => undefined,
    position: (partition) => positions[partition] ?? BEGINNING,
    hasRoom: () => true,
    roomy: () => Promise.resolve(),
  };
  return client;
}

/** Lets the question for the end of a stream wait; what is asked meanwhile goes by. */
function holdEndOf(redis: RedisClient, stream: string) {
  const released = withResolvers();
  const call = redis.callBuffer.bind(redis) as (...words: unknown[]) => Promise<unknown>;
  const asked: string[] = [];
  redis.callBuffer = async (...words: unknown[]) => {
    const [key, after] = [String(words[3]), words[4]];
    if (after !== '+') return call(...words);
    if (key === stream) await released.promise;
    const answer = await call(...words);
    asked.push(key);
    return answer;
  };
  return { release: released.resolve, asked };
}

test('what the feed reads while a client joins is either before its first id or given to it', async () => {
  await using rig = await createApiRig();
  const stop = new AbortController();
  const redis = await rig.server.client();
  const feed = createFeed({
    redis,
    keys: createKeys('tranweave'),
    partitions: 2,
    clock: systemClock,
    logger: silentLogger(),
    onProgress: () => undefined,
    onFailure: (error) => expect.unreachable(String(error)),
  });
  const running = feed.run(stop.signal);
  const [first, second] = [listener(stop.signal), listener(stop.signal)];
  await feed.join(first, undefined);
  await rig.publish(1, ['T1']);
  await until('the first has it', () => first.entries.length === 1);

  const { release, asked } = holdEndOf(redis, rig.stream(0));
  const joining = feed.join(second, undefined);
  await until('the end of partition 1 is known', () => asked.includes(rig.stream(1)));
  await rig.publish(1, ['T2']);
  await until('the feed has read it', () => first.entries.length === 2);
  release();
  await joining;
  await rig.publish(1, ['T3']);
  await until('both have the next', () => first.entries.length === 3 && second.entries.length > 0);
  expect(second.entries[0]!.ordinal).toBe(second.begun[1]!.ordinal + 1);
  expect(second.entries.at(-1)).toEqual(first.entries[2]);
  stop.abort();
  await running;
});
