import type { Definition } from './definition.ts';
import type { Member } from './member.ts';
import { emptyPartial, isEmpty } from './partial.ts';
import type { Partial } from './partial.ts';

/**
 * What a partition has of an insight, as far as a batch needs it: read before the batch is counted, and written back where it was changed.
 * Everything is a map by what it has on Redis as a hash's fields; undefined is what is not there.
 */
export interface PartitionState {
  members: Map<string, Member | undefined>;
  /** How many transactions are remembered. */
  membersCount: number;
  /** Windows that are closed, of those that were asked for. */
  closed: Set<number>;
  /** Window → when its first transaction came, ms since 1970 by the stream's time. */
  windows: Map<number, number | undefined>;
  /** Window → group → partial. */
  partials: Map<number, Map<string, Partial | undefined>>;
  /** Window → how many groups there are. */
  groupCounts: Map<number, number>;
  /** By valuesKey. */
  values: Map<string, KeptValues>;
  /** Window → what was not counted in it. */
  losses: Map<number, Losses>;
  changes: Changes;
}

/** The different values of an input in a group, and how many transactions have each. */
export interface KeptValues {
  window: number;
  input: number;
  group: string;
  counts: Map<string, number>;
  /** How many different ones there are, also those that were not asked for. */
  size: number;
}

/** Changes that came after a window was closed, and transactions beyond the bound of those that are remembered. */
export interface Losses {
  late: number;
  leftOut: number;
}

/** What is to be written back. */
export interface Changes {
  members: Set<string>;
  windows: Set<number>;
  /** By window. */
  groups: Map<number, Set<string>>;
  /** By valuesKey. */
  values: Map<string, Set<string>>;
  losses: Set<number>;
}

export function noChanges(): Changes {
  return { members: new Set(), windows: new Set(), groups: new Map(), values: new Map(), losses: new Set() };
}

export function emptyState(): PartitionState {
  return {
    members: new Map(),
    membersCount: 0,
    closed: new Set(),
    windows: new Map(),
    partials: new Map(),
    groupCounts: new Map(),
    values: new Map(),
    losses: new Map(),
    changes: noChanges(),
  };
}

export function valuesKey(window: number, input: number, group: string): string {
  return `${input}:${window}:${group}`;
}

export function partialOf(
  state: PartitionState,
  { inputs }: Definition,
  window: number,
  group: string,
): Partial {
  return state.partials.get(window)?.get(group) ?? emptyPartial(inputs);
}

export function setMember(state: PartitionState, id: string, member: Member): void {
  if (state.members.get(id) === undefined) state.membersCount += 1;
  state.members.set(id, member);
  state.changes.members.add(id);
}

/** A group in which there is nothing is none. There may be less than nothing: of transactions that another partition had added. */
export function setPartial(state: PartitionState, window: number, group: string, partial: Partial): void {
  const groups = state.partials.get(window) ?? new Map<string, Partial | undefined>();
  state.partials.set(window, groups);
  const was = groups.get(group) !== undefined;
  const is = !isEmpty(partial);
  groups.set(group, is ? partial : undefined);
  state.groupCounts.set(window, (state.groupCounts.get(window) ?? 0) + Number(is) - Number(was));
  addTo(state.changes.groups, window, group);
}

export function keptValues(state: PartitionState, window: number, input: number, group: string): KeptValues {
  const key = valuesKey(window, input, group);
  const known = state.values.get(key);
  if (known !== undefined) return known;
  const kept = { window, input, group, counts: new Map<string, number>(), size: 0 };
  state.values.set(key, kept);
  return kept;
}

export function countValue(state: PartitionState, kept: KeptValues, value: string, by: 1 | -1): void {
  const was = kept.counts.get(value) ?? 0;
  const is = was + by;
  kept.counts.set(value, is);
  kept.size += Number(is !== 0) - Number(was !== 0);
  addTo(state.changes.values, valuesKey(kept.window, kept.input, kept.group), value);
}

export function setFirstSeen(state: PartitionState, window: number, at: number): void {
  if (state.windows.get(window) !== undefined) return;
  state.windows.set(window, at);
  state.changes.windows.add(window);
}

export function addLoss(state: PartitionState, window: number, kind: keyof Losses): void {
  const losses = state.losses.get(window) ?? { late: 0, leftOut: 0 };
  state.losses.set(window, { ...losses, [kind]: losses[kind] + 1 });
  state.changes.losses.add(window);
}

function addTo<K>(sets: Map<K, Set<string>>, key: K, value: string): void {
  const known = sets.get(key);
  if (known === undefined) sets.set(key, new Set([value]));
  else known.add(value);
}
