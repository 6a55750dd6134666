import type { Keys } from '../../common/redis/keys.ts';
import type { Definition } from './definition.ts';

/** An insight whose definition has been recorded: numbers of different generations are never put together. */
export interface Generation {
  definition: Definition;
  /** When it began, `20261125T031500123` in UTC: later ones are greater. */
  generation: string;
}

/** What a partition has of an insight. */
export interface LaneKeys {
  /** hash: transaction → what is remembered of it (member.ts). */
  members: string;
  /** hash: window that has something, and is not put away yet → when its first transaction came. */
  windows: string;
  /** zset: closed window, by its end. */
  closed: string;
  /** hash: window → late changes and transactions left out, `late/left_out`. */
  losses: string;
  /** hash: `window` or `window<TAB>group` → version in which it was changed, until that has been put together with the other partitions'. */
  dirty: string;
  /** hash: group → partial (partial.ts). */
  groups(window: number): string;
  /** hash: value → how many transactions have it. */
  values(window: number, input: number, group: string): string;
}

export function laneKeys(keys: Keys, partition: number, { definition, generation }: Generation): LaneKeys {
  const part = (name: string) => keys.insightPart(partition, definition.name, generation, name);
  return {
    members: part('members'),
    windows: part('windows'),
    closed: part('closed'),
    losses: part('losses'),
    dirty: part('dirty'),
    groups: (window) => part(`groups:${window}`),
    values: (window, input, group) => part(`values:${window}:${input}:${group}`),
  };
}
