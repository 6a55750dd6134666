import type { DeadLetter } from '../common/dead-letter.ts';
import { RetriableError } from '../common/errors.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import type { Keys, StreamKind } from '../common/redis/keys.ts';
import { errorCode, reply } from '../common/redis/redis-error.ts';
import { loadScript } from '../common/redis/scripts.ts';
import { encodeEntries } from '../common/stream-entry.ts';

/**
 * The bounds of a batch, written down before the batch goes to the store. Whoever takes over the partition finds them and repeats
 * exactly that batch under its token, so that a store which remembers tokens takes it once, even if the former owner only slept
 * and writes it as well. For the same reason a batch is of one partition: bounds over several partitions could not be handed
 * over without asking whether the others still stand (docs/decisions/002-one-batch-one-partition.md).
 */
export interface Manifest {
  token: string;
  /** Where the group stood; if it stands elsewhere, somebody has moved it since. */
  after_id: string;
  first_id: string;
  last_id: string;
  entries: number;
}

const manifestScript = loadScript(new URL('./manifest.lua', import.meta.url));
const commitScript = loadScript(new URL('./commit.lua', import.meta.url));

/** What a sink does with one claimed partition's stream. Each change throws a FencedError when the claim is lost. */
export interface Ledger {
  /** The batch that an earlier owner had begun, if any. */
  pending(): Promise<Manifest | undefined>;
  begin(manifest: Manifest): Promise<void>;
  /**
   * Moves the group behind the batch, forgets the manifest and keeps what the store refused, all at once. Throws a RetriableError when
   * the stream is gone; a group that is gone is made again where it belongs.
   */
  commit(lastId: string, entriesRead: number | null, refused: readonly DeadLetter[]): Promise<void>;
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
      const json = await reply(redis.get(manifestKey));
      return json === null ? undefined : (JSON.parse(json) as Manifest);
    },
    begin: async (manifest) => {
      await manifestScript.run(redis, [claimKey, manifestKey], [token, JSON.stringify(manifest)]);
    },
    commit: async (lastId, entriesRead, refused) => {
      const entries = encodeEntries(refused.map((letter) => ({ line: JSON.stringify(letter) })));
      const run = commitScript.run(
        redis,
        [claimKey, manifestKey, keys.stream(partition, kind), keys.stream(partition, 'dead_letter')],
        [
          token,
          group,
          lastId,
          entriesRead ?? '',
          entries.length,
          ...entries.flatMap((entry) => [entry.rows, entry.body]),
        ],
      );
      try {
        await run;
      } catch (error) {
        if (errorCode(error) !== 'NOGROUP') throw error;
        throw new RetriableError('the stream was deleted', { cause: error });
      }
    },
  };
}
