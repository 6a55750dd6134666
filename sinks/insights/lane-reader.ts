import type { RedisClient } from '../../common/redis/connection.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { othersOf } from './count.ts';
import type { Seen } from './count.ts';
import type { Contribution } from './contribution.ts';
import type { LaneKeys } from './lane-keys.ts';
import type { Definition } from './definition.ts';
import { decodeMember } from './member.ts';
import { decodePartial } from './partial.ts';
import { emptyState, keptValues, noChanges } from './partition-state.ts';
import type { Losses, PartitionState } from './partition-state.ts';
import { readHashes } from './read-hashes.ts';
import type { Asked, Found } from './read-hashes.ts';

/** Reads what there is to know of these revisions: of their transactions, and of the groups that they leave and enter. */
export async function readState(
  redis: RedisClient,
  keys: LaneKeys,
  definition: Definition,
  seen: readonly Seen[],
): Promise<PartitionState> {
  const state = emptyState();
  // Also of those that are foreign: they may have been ours.
  const ids = [...new Set(seen.map(({ id }) => id))];
  const [members] = await readHashes(redis, [{ key: keys.members, fields: ids }]);
  state.membersCount = members?.size ?? 0;
  for (const [id, json] of members?.fields ?? []) state.members.set(id, decodeMember(json));
  const touched = touchedBy(definition, state, seen);
  if (touched.size === 0) return state;
  const starts = [...touched.keys()].map(String);
  const [closed, [windows, losses, ...groups]] = await Promise.all([
    reply(redis.zmscore(keys.closed, ...starts), keys.closed),
    readHashes(redis, [
      { key: keys.windows, fields: starts },
      { key: keys.losses, fields: starts },
      ...[...touched].flatMap(([window, of]) => askedOf(keys, window, of)),
    ]),
  ]);
  starts.forEach((start, index) => {
    if ((closed[index] ?? null) !== null) state.closed.add(Number(start));
  });
  for (const [start, at] of windows?.fields ?? []) state.windows.set(Number(start), Number(at));
  for (const [start, text] of losses?.fields ?? []) state.losses.set(Number(start), decodeLosses(text));
  takeGroups(state, touched, groups);
  state.changes = noChanges();
  return state;
}

/** The partials of a window's groups, then the values of each of them. */
function askedOf(keys: LaneKeys, window: number, { groups, values }: Touched): Asked[] {
  return [
    { key: keys.groups(window), fields: [...groups] },
    ...[...values.values()].map(({ input, group, texts }) => ({
      key: keys.values(window, input, group),
      fields: [...texts],
    })),
  ];
}

/** @param found in the order of askedOf. */
function takeGroups(
  state: PartitionState,
  touched: ReadonlyMap<number, Touched>,
  found: readonly Found[],
): void {
  let at = 0;
  for (const [window, { values }] of touched) {
    const partials = found[at];
    state.groupCounts.set(window, partials?.size ?? 0);
    const decoded = [...(partials?.fields ?? [])].map(
      ([group, json]) => [group, decodePartial(json)] as const,
    );
    state.partials.set(window, new Map(decoded));
    at += 1;
    for (const { input, group } of values.values()) {
      const counts = found[at];
      const kept = keptValues(state, window, input, group);
      kept.size = counts?.size ?? 0;
      for (const [text, count] of counts?.fields ?? []) kept.counts.set(text, Number(count));
      at += 1;
    }
  }
}

interface Touched {
  groups: Set<string>;
  values: Map<string, { input: number; group: string; texts: Set<string> }>;
}

/** Windows that these revisions may change, with their groups and values. */
function touchedBy(
  definition: Definition,
  state: PartitionState,
  seen: readonly Seen[],
): Map<number, Touched> {
  const touched = new Map<number, Touched>();
  const window = (start: number) => {
    const known = touched.get(start) ?? { groups: new Set([othersOf(definition)]), values: new Map() };
    touched.set(start, known);
    return known;
  };
  const touch = (contribution: Contribution, group: string) => {
    const { groups, values } = window(contribution.window);
    groups.add(group);
    contribution.values.forEach((value, input) => {
      if (value === null || value === 0 || definition.inputs[input]?.values !== true) return;
      const key = `${input}:${group}`;
      const known = values.get(key) ?? { input, group, texts: new Set() };
      known.texts.add(typeof value === 'string' ? value : value[0]);
      values.set(key, known);
    });
  };
  for (const { id, outcome } of seen) {
    const before = state.members.get(id)?.contribution;
    if (before !== undefined) touch(before, before.group);
    if (outcome.kind === 'passes' && outcome.window !== undefined) window(outcome.window);
    if (outcome.kind !== 'counts') continue;
    touch(outcome.contribution, outcome.contribution.group);
    touch(outcome.contribution, othersOf(definition));
  }
  return touched;
}

export function encodeLosses({ late, leftOut }: Losses): string {
  return `${late}/${leftOut}`;
}

export function decodeLosses(text: string): Losses {
  const [late = 0, leftOut = 0] = text.split('/').map(Number);
  return { late, leftOut };
}
