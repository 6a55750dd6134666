import * as v from 'valibot';
import { bookingArguments } from '../common/account.ts';
import type { Booking } from '../common/account.ts';
import type { DeadLetter } from '../common/dead-letter.ts';
import { ForeignDataError } from '../common/errors.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import type { Position } from '../common/redis/loss.ts';
import { reply } from '../common/redis/redis-error.ts';
import { loadScript, PARTS } from '../common/redis/scripts.ts';
import { encodeEntries } from '../common/stream-entry.ts';
import type { StreamEntry } from '../common/stream-entry.ts';

/**
 * The bounds of a batch, written down before the batch goes to the store. Whoever takes over the partition finds them and repeats
 * exactly that batch under its token, so that a store which remembers tokens takes it once, even if the former owner only slept
 * and writes it as well. A batch is of one partition; whether several went to the store as one is written down apart (joint-record.ts).
 */
export type Manifest = v.InferOutput<typeof manifestSchema>;

const manifestSchema = v.object({
  token: v.string(),
  /** Where the group stood; if it stands elsewhere, somebody has moved it since. */
  after_id: v.string(),
  first_id: v.string(),
  last_id: v.string(),
  entries: v.number(),
  /** The joint batch that it may have gone to the store with: if it has, it must be repeated with it and not by itself. */
  joint: v.exactOptional(v.string()),
});

/** The bounds of what was gathered after an id. */
export function manifestOf(stream: string, afterId: string, entries: readonly StreamEntry[]): Manifest {
  const [first, last] = [entries[0]?.id ?? '', entries.at(-1)?.id ?? ''];
  return {
    // Ids never repeat within a stream, and the stream's key holds the deployment's prefix.
    token: `${stream}/${first}..${last}`,
    after_id: afterId,
    first_id: first,
    last_id: last,
    entries: entries.length,
  };
}

/** Keys of the commit's script before the accounts. */
const FIXED_KEYS = 4;

const manifestScript = loadScript(new URL('./manifest.lua', import.meta.url));
const commitScript = loadScript(new URL('./commit.lua', import.meta.url), PARTS.book, PARTS.moveGroup);

/** What a sink does with one claimed partition's stream. Each change throws a FencedError when the claim is lost. */
export interface Ledger {
  /** The batch that an earlier owner had begun, if any. */
  pending(): Promise<Manifest | undefined>;
  begin(manifest: Manifest): Promise<void>;
  /**
   * Moves the group behind the batch, forgets the manifest, keeps what could not be stored and books what was, all at once. A group that is gone
   * is made again where it belongs, and the stream with it.
   */
  commit(after: Position, letters: readonly DeadLetter[], bookings: readonly Booking[]): Promise<void>;
}

export interface LedgerDeps {
  redis: RedisClient;
  keys: Keys;
  partition: number;
  kind: StreamKind;
  group: string;
  token: string;
}

export function createLedger({ redis, keys, partition, kind, group, token }: LedgerDeps): Ledger {
  const manifestKey = keys.manifest(partition, kind, group);
  const claimKey = keys.claim(partition, group);
  return {
    pending: async () => {
      const json = await reply(redis.get(manifestKey), manifestKey);
      return json === null ? undefined : parseManifest(json, manifestKey);
    },
    begin: async (manifest) => {
      await manifestScript.run(redis, [claimKey, manifestKey], [token, JSON.stringify(manifest)]);
    },
    commit: async ({ lastId, entriesRead }, letters, bookings) => {
      const books = bookingArguments(bookings, (day) => keys.account(partition, day), FIXED_KEYS);
      const entries = encodeEntries(letters.map((letter) => ({ line: JSON.stringify(letter) })));
      await commitScript.run(
        redis,
        [
          claimKey,
          manifestKey,
          keys.stream(partition, kind),
          keys.stream(partition, 'dead_letter'),
          ...books.keys,
        ],
        [
          token,
          group,
          lastId,
          entriesRead ?? '',
          ...books.args,
          entries.length,
          ...entries.flatMap((entry) => [entry.rows, entry.body]),
        ],
      );
    },
  };
}

function parseManifest(json: string, key: string): Manifest {
  try {
    return v.parse(manifestSchema, JSON.parse(json));
  } catch (error) {
    throw new ForeignDataError(`Redis holds something that is not ours under ${key}`, { cause: error });
  }
}
