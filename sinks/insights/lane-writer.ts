import type { RedisClient } from '../../common/redis/connection.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import { encodeLosses } from './lane-reader.ts';
import type { LaneKeys } from './lane-keys.ts';
import { encodeMember } from './member.ts';
import { encodePartial } from './partial.ts';
import type { PartitionState } from './partition-state.ts';

const applyScript = loadScript(new URL('./apply.lua', import.meta.url));

/** A partition's state of one insight, with what a batch has changed in it. */
export interface Counted {
  keys: LaneKeys;
  state: PartitionState;
}

export interface Applied {
  laneKey: string;
  fence: number;
  token: string;
  /** As it was read before the state was. */
  version: number;
  /** Redis' time of the batch's last entry, in ms. */
  counted: number;
}

/** Writes the changes back, all or none. `done` if the batch was counted before, `stale` if they were computed from numbers that have changed since. */
export async function applyChanges(
  redis: RedisClient,
  { laneKey, fence, token, version, counted }: Applied,
  all: readonly Counted[],
): Promise<'ok' | 'done' | 'stale'> {
  const writes = createWrites();
  for (const one of all) collect(writes, one, version + 1);
  const answer = await applyScript.run(
    redis,
    [laneKey, ...writes.keys()],
    [fence, token, String(version), counted, ...writes.args()],
  );
  return String(answer) as 'ok' | 'done' | 'stale';
}

type Writes = ReturnType<typeof createWrites>;

/** Fields by the hash that they are of; undefined is one to remove. */
function createWrites() {
  const hashes = new Map<string, Map<string, string | undefined>>();
  return {
    put: (key: string, field: string, value: string | undefined) => {
      const fields = hashes.get(key) ?? new Map<string, string | undefined>();
      hashes.set(key, fields.set(field, value));
    },
    keys: () => [...hashes.keys()],
    args: () =>
      [...hashes.values()].flatMap((fields, index) => {
        const sets = [...fields].filter(([, value]) => value !== undefined);
        const gone = [...fields].filter(([, value]) => value === undefined);
        return [
          index + 2,
          sets.length,
          gone.length,
          ...sets.flatMap(([field, value]) => [field, value ?? '']),
          ...gone.map(([field]) => field),
        ];
      }),
  };
}

function collect({ put }: Writes, { keys, state }: Counted, version: number): void {
  const { changes } = state;
  for (const id of changes.members) {
    const member = state.members.get(id);
    put(keys.members, id, member === undefined ? undefined : encodeMember(member));
  }
  for (const window of changes.windows) put(keys.windows, String(window), String(state.windows.get(window)));
  for (const [window, groups] of changes.groups) {
    for (const group of groups) {
      const partial = state.partials.get(window)?.get(group);
      put(keys.groups(window), group, partial === undefined ? undefined : encodePartial(partial));
      put(keys.dirty, `${window}\t${group}`, String(version));
    }
  }
  for (const [key, texts] of changes.values) {
    const kept = state.values.get(key);
    if (kept === undefined) continue;
    for (const text of texts) {
      const count = kept.counts.get(text) ?? 0;
      put(keys.values(kept.window, kept.input, kept.group), text, count === 0 ? undefined : String(count));
    }
  }
  for (const window of changes.losses) {
    const losses = state.losses.get(window);
    if (losses === undefined) continue;
    put(keys.losses, String(window), encodeLosses(losses));
    put(keys.dirty, String(window), String(version));
  }
}
