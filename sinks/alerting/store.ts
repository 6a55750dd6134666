import * as v from 'valibot';
import { ForeignDataError } from '../../common/errors.ts';
import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { EngineState } from './engine.ts';
import type { AlertMessage } from './message.ts';
import { parseMessage } from './message.ts';

/** What alerts keep in Redis, as its evaluator, its senders and the command line see it. */

const takeScript = loadScript(new URL('./take-state.lua', import.meta.url));
const commitScript = loadScript(new URL('./commit-state.lua', import.meta.url));
const moveScript = loadScript(new URL('./move-channel.lua', import.meta.url));

/** Messages that wait for channels; the oldest go when there are more. */
const OUTBOX_MAX = 10_000;
/** Messages of one read. */
const READ_MAX = 100;

export interface TakenState {
  /** undefined if nothing was evaluated yet with buckets of this length. */
  next: number | undefined;
  state: EngineState | undefined;
  /** Channel → id of the last message that it has. */
  positions: Map<string, string>;
}

/** What is wrong with a channel, since when, ms since 1970. */
export interface Trouble {
  words: string;
  since: number;
}

export interface OutboxMessage {
  id: string;
  /** undefined for what is none of ours. */
  message: AlertMessage | undefined;
}

const stateSchema = v.object({
  alerts: v.array(
    v.looseObject({ rule: v.string(), key: v.string(), labels: v.record(v.string(), v.string()) }),
  ),
  memories: v.record(v.string(), v.unknown()),
});

export type AlertStore = ReturnType<typeof createAlertStore>;

export function createAlertStore(redis: RedisClient, keys: Keys, bucketMs: number) {
  const [stateKey, outbox, channels] = [keys.alertState(), keys.alertOutbox(), keys.alertChannels()];
  return {
    /** Takes the states over. Throws a FencedError when somebody with a greater fence has them. */
    take: async (fence: number, names: readonly string[]): Promise<TakenState> => {
      const answer = (await takeScript.run(
        redis,
        [stateKey, outbox, channels],
        [fence, ...names],
      )) as Buffer[];
      const [length, next, states, ...positions] = answer.map(String);
      return {
        // Buckets of another length are others: windows begin anew, states stay.
        next: next === '' || Number(length) !== bucketMs ? undefined : Number(next),
        state: states === '' || states === undefined ? undefined : parseState(states, stateKey),
        positions: new Map(names.map((name, at) => [name, positions[at] ?? '0-0'])),
      };
    },
    commit: async (fence: number, next: number, state: EngineState, messages: readonly AlertMessage[]) => {
      const json = messages.map((message) => JSON.stringify(message));
      const args = [fence, bucketMs, next, JSON.stringify(state), OUTBOX_MAX, ...json];
      await commitScript.run(redis, [stateKey, outbox], args);
    },
    move: async (fence: number, channel: string, id: string, names: readonly string[]) => {
      await moveScript.run(redis, [stateKey, outbox, channels], [fence, id, channel, ...names]);
    },
    /** The next messages after one. */
    read: async (after: string): Promise<OutboxMessage[]> => {
      const raw = await reply(redis.xrange(outbox, `(${after}`, '+', 'COUNT', READ_MAX), outbox);
      return raw.map(([id, fields]) => ({ id, message: parseMessage(fields[1] ?? '') }));
    },
    /** As they were last written down, for whoever only looks. */
    look: async (): Promise<{ next: number | undefined; state: EngineState | undefined }> => {
      const [next, states] = await reply(redis.hmget(stateKey, 'next', 'states'), stateKey);
      return {
        next: next === null || next === undefined ? undefined : Number(next),
        state: states === null || states === undefined ? undefined : parseState(states, stateKey),
      };
    },
    /** What is wrong with channels that do not take their messages. */
    troubles: async (): Promise<Map<string, Trouble>> => {
      const fields = await reply(redis.hgetall(channels), channels);
      return new Map(
        Object.entries(fields).flatMap(([field, json]) =>
          field.startsWith('trouble:') ? [[field.slice('trouble:'.length), JSON.parse(json) as Trouble]] : [],
        ),
      );
    },
    /** @param trouble undefined: nothing is wrong with it any more. */
    tellTrouble: async (channel: string, trouble: Trouble | undefined) => {
      const field = `trouble:${channel}`;
      await reply(
        trouble === undefined
          ? redis.hdel(channels, field)
          : redis.hset(channels, field, JSON.stringify(trouble)),
        channels,
      );
    },
  };
}

function parseState(json: string, key: string): EngineState {
  try {
    return v.parse(stateSchema, JSON.parse(json)) as unknown as EngineState;
  } catch (error) {
    throw new ForeignDataError(`Redis holds something that is not ours under ${key}`, { cause: error });
  }
}
