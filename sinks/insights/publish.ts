import type { RedisClient } from '../../common/redis/connection.ts';
import type { Keys } from '../../common/redis/keys.ts';
import { loadScript } from '../../common/redis/scripts.ts';
import type { Generation } from './lane-keys.ts';
import type { Combined } from './measures.ts';
import { readHashes } from './read-hashes.ts';
import { messageOf, rowOf, tellTheSame, windowRow, windowText } from './rows.ts';
import type { Published, Row, WindowRecord, WindowState } from './rows.ts';

/** Publishes under a fence: what an earlier holder of the claim still sends has no effect. */
export interface Publisher {
  /**
   * Publishes those of a window's groups that have changed, and the window with them. Returns how many rows were published. Throws a FencedError when
   * somebody else publishes now.
   */
  publish(publication: Publication): Promise<number>;
}

export interface Publication {
  generation: Generation;
  window: number;
  record: WindowRecord;
  /** Of the rows, where it is not that of the record: those of a window that is being closed are final before it is. */
  rowState?: WindowState;
  groups: ReadonlyMap<string, Combined>;
  /** Whether a message about the window itself is due, though none of its rows has changed. */
  tellWindow: boolean;
  now: number;
}

const enterScript = loadScript(new URL('./enter.lua', import.meta.url));
const publishScript = loadScript(new URL('./publish.lua', import.meta.url));

/** Takes over from whoever published before. @param withTable whether rows wait for a table. */
export async function createPublisher(
  redis: RedisClient,
  keys: Keys,
  fence: number,
  withTable: boolean,
): Promise<Publisher> {
  let revision = String(await enterScript.run(redis, [keys.insights()], [fence]));
  return {
    publish: async (publication) => {
      const { generation, window, record, groups, now } = publication;
      const { definition } = generation;
      const { name, outputs } = definition;
      const rowState = publication.rowState ?? record.state;
      const published = { window, state: rowState, revision: Number(revision) + 1, now };
      const lookupKey = keys.insightLookup(name, windowText(definition, window));
      const before = await rowsBefore(redis, lookupKey, generation, [...groups.keys()]);
      const changed = changedRows(definition, published, groups, before);
      if (changed.length === 0 && !publication.tellWindow) return 0;
      for (const { row, before } of changed) addToRecord(record, before, row);
      const ofWindow = windowRow(generation, { ...published, state: record.state }, record);
      const forTable = withTable && outputs.table;
      const messages = [
        ...changed.map(({ row }) => messageOf(generation, 'row', row)),
        ...(publication.tellWindow ? [messageOf(generation, 'window', ofWindow)] : []),
      ];
      await publishScript.run(
        redis,
        [
          keys.insights(),
          keys.insightWindows(name, generation.generation),
          keys.insightPending(name, generation.generation),
          keys.insightStream(name),
          lookupKey,
        ],
        [
          fence,
          revision,
          generation.generation,
          String(outputs.stream_length_max),
          String(window),
          JSON.stringify(record),
          record.state,
          publication.rowState === 'final' ? Math.max(1, outputs.lookup_keep) : '',
          forTable ? JSON.stringify(ofWindow) : '',
          changed.length,
          ...changed.flatMap(({ group, row, json }) => [
            group,
            row['transactions'] === 0 ? '' : json,
            forTable ? json : '',
          ]),
          messages.length,
          ...messages.flatMap((words) => [words.length, ...words]),
        ],
      );
      revision = String(published.revision);
      return changed.length;
    },
  };
}

interface Changed {
  group: string;
  row: Row;
  json: string;
  before: Row | undefined;
}

function changedRows(
  definition: Generation['definition'],
  published: Published,
  groups: ReadonlyMap<string, Combined>,
  before: ReadonlyMap<string, Row>,
): Changed[] {
  return [...groups].flatMap(([group, combined]) => {
    const row = rowOf(definition, published, group, combined);
    const known = before.get(group);
    return tellTheSame(known, row) ? [] : [{ group, row, json: JSON.stringify(row), before: known }];
  });
}

/** What was published of these groups; nothing that was of another generation. */
async function rowsBefore(
  redis: RedisClient,
  lookupKey: string,
  { generation }: Generation,
  groups: readonly string[],
): Promise<Map<string, Row>> {
  const [found] = await readHashes(redis, [{ key: lookupKey, fields: ['@generation', ...groups] }]);
  if (found?.fields.get('@generation') !== generation) return new Map();
  found.fields.delete('@generation');
  return new Map([...found.fields].map(([group, json]) => [group, JSON.parse(json) as Row]));
}

function addToRecord(record: WindowRecord, before: Row | undefined, row: Row): void {
  const [was, is] = [Number(before?.['transactions'] ?? 0), Number(row['transactions'])];
  record.transactions += is - was;
  record.groups += Number(is > 0) - Number(was > 0);
}
