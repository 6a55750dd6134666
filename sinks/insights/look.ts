import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { timestampFromMillis } from '../../common/timestamp.ts';
import type { Definition } from './definition.ts';
import { definitionField, generationMillis, isDefinedAs, parseRecorded } from './definitions.ts';
import { closesAt } from './closing.ts';
import { laneKeys } from './lane-keys.ts';
import { partitionsEver } from './layout.ts';
import { windowText } from './rows.ts';
import type { Row, WindowRecord } from './rows.ts';
import { readWindows } from './window-records.ts';
import { zonedText } from './windows.ts';

/** What is known of an insight, for whoever wants to look. */
export interface InsightLook {
  name: string;
  zone: string;
  /** Columns in the order of the config. */
  groups: string[];
  measures: string[];
  /** Null while no sinks process has counted by it. */
  counted_since: string | null;
  /** Whether what is counted is defined as the config has it. */
  as_configured: boolean;
  open: number;
  final: number;
  late: number;
  left_out: number;
  /** Transactions that are remembered in all partitions. */
  remembered: number;
  /** Rows that wait for the table. */
  pending: number;
  /** The newest ones first. */
  windows: WindowLook[];
}

export interface WindowLook extends WindowRecord {
  window_start: string;
  window_end: string;
  /** By the streams' time; null once it is final. */
  closes_at: string | null;
  rows: Row[];
}

export interface LookDeps {
  redis: RedisClient;
  keys: Keys;
  partitions: number;
}

/** @param windowsMax how many of the newest windows are read with their rows. */
export async function readInsight(
  given: LookDeps,
  definition: Definition,
  windowsMax: number,
): Promise<InsightLook> {
  const { redis, keys } = given;
  const { name, zone } = definition;
  const deps = { redis, keys, partitions: await partitionsEver(given) };
  const recorded = await reply(redis.hget(keys.insights(), definitionField(name)));
  const { generation } = parseRecorded(recorded ?? '');
  const found = await reply(redis.hgetall(keys.insightWindows(name, generation)));
  const records = Object.entries(found)
    .map(([window, json]) => ({ window: Number(window), record: JSON.parse(json) as WindowRecord }))
    .sort((a, b) => b.window - a.window);
  const opened = await readWindows(deps, { definition, generation });
  const sum = (of: (record: WindowRecord) => number) =>
    records.reduce((total, { record }) => total + of(record), 0);
  return {
    name,
    zone: zone.name,
    groups: definition.groups.map(({ column }) => column),
    measures: definition.measures.map(({ column }) => column),
    counted_since: recorded === null ? null : timestampFromMillis(generationMillis(generation)),
    as_configured: recorded !== null && isDefinedAs(recorded, definition),
    open: sum(({ state }) => Number(state === 'open')),
    final: sum(({ state }) => Number(state === 'final')),
    late: sum(({ late }) => late),
    left_out: sum((record) => record.left_out),
    remembered: await remembered(deps, definition, generation),
    pending: await reply(redis.hlen(keys.insightPending(name, generation))),
    windows: await Promise.all(
      records.slice(0, windowsMax).map(async ({ window, record }) => ({
        window_start: zonedText(window, zone),
        window_end: zonedText(definition.windows(window).end, zone),
        closes_at: closing(definition, window, record, opened),
        ...record,
        rows: await rowsOf(deps, definition, window),
      })),
    ),
  };
}

function closing(
  definition: Definition,
  window: number,
  record: WindowRecord,
  opened: ReadonlyMap<number, number>,
): string | null {
  const firstSeen = opened.get(window);
  if (record.state === 'final' || firstSeen === undefined) return null;
  return zonedText(closesAt(definition, window, firstSeen), definition.zone);
}

async function rowsOf({ redis, keys }: LookDeps, definition: Definition, window: number): Promise<Row[]> {
  const fields = await reply(
    redis.hgetall(keys.insightLookup(definition.name, windowText(definition, window))),
  );
  return Object.entries(fields)
    .filter(([field]) => !field.startsWith('@'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, json]) => JSON.parse(json) as Row);
}

async function remembered(
  { redis, keys, partitions }: LookDeps,
  definition: Definition,
  generation: string,
): Promise<number> {
  const counts = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      reply(redis.hlen(laneKeys(keys, partition, { definition, generation }).members)),
    ),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
