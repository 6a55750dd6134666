import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { createKeys } from '../../common/redis/keys.ts';
import { reply } from '../../common/redis/redis-error.ts';
import { encodeEntries, fieldsOf } from '../../common/stream-entry.ts';
import type { Summary } from '../../common/summary.ts';
import { summaryFromRow, summaryToLine } from '../../common/summary-row.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { startRole } from '../../common/testing/role.ts';
import type { TestRole } from '../../common/testing/role.ts';
import { systemClock } from '../../common/clock.ts';
import type { Clock } from '../../common/clock.ts';
import { redisConfigSchema } from '../../common/redis/connection.ts';
import { apiConfigSchema } from '../config.ts';
import { LOOK_MS, startApi } from '../main.ts';

/** The API in the test's own process on a real Redis whose summary streams the test fills itself. */
export interface ApiRig extends AsyncDisposable {
  server: TestRedis;
  /** For whatever befalls Redis; not the API's own connection. */
  admin: Redis;
  /** Transactions that Redis remembers. */
  remembered: Map<string, Summary>;
  /** @param clickhouse its address; one that is away if not given. */
  start(config?: Record<string, unknown>, partitions?: number, clickhouse?: string): Promise<RunningApi>;
  /** Adds one entry to a partition's summary stream, a summary for each id. */
  publish(partition: number, ids: readonly string[], fields?: Partial<Summary>): Promise<void>;
  stream(partition: number): string;
}

export interface RunningApi extends AsyncDisposable {
  role: TestRole;
  url: string;
}

/** Time as it is; but it is noticed soon that there is another number of partitions. */
const clock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(ms === LOOK_MS ? 50 : ms, signal),
};

const PARTITIONS = 2;
const CLICKHOUSE_AWAY = 'http://127.0.0.1:1';
const keys = createKeys('tranweave');

export async function createApiRig(): Promise<ApiRig> {
  const server = await startRedis();
  const admin = new Redis(server.url, { protocol: 2 });
  admin.on('error', () => undefined);
  const remembered = new Map<string, Summary>();
  return {
    server,
    admin,
    remembered,
    start: async (config = {}, partitions = PARTITIONS, clickhouse = CLICKHOUSE_AWAY) => {
      const redis = v.parse(redisConfigSchema, { url: server.url, command_timeout: '1s' });
      const role = await startRole(
        (parts) =>
          startApi({
            ...parts,
            shared: { partitions, redis, groups: [] },
            config: v.parse(apiConfigSchema, { port: 0, ...config }),
            clickhouse: createClient({ url: clickhouse, log: { level: ClickHouseLogLevel.OFF } }),
            remembered: async (client, id) => {
              await reply(client.exists(keys.transaction(0, id)));
              return remembered.get(id);
            },
          }),
        clock,
      );
      return {
        role,
        url: role.started.addresses['api'] ?? '',
        [Symbol.asyncDispose]: () => role.stop(),
      };
    },
    publish: async (partition, ids, fields = {}) => {
      const rows = ids.map((id) => ({ line: summaryToLine(aSummary(id, fields)) }));
      for (const entry of encodeEntries(rows)) {
        await admin.call('XADD', keys.stream(partition, 'summary'), '*', ...fieldsOf('summary', entry));
      }
    },
    stream: (partition) => keys.stream(partition, 'summary'),
    [Symbol.asyncDispose]: async () => {
      admin.disconnect();
      await server.stop();
    },
  };
}

const TIME = '2026-01-31T09:15:00.000000Z';

export function aSummary(id: string, fields: Partial<Summary> = {}): Summary {
  return summaryFromRow({
    transaction_id: id,
    interface_id: 'shop-order',
    status: 'completed',
    started_at: TIME,
    last_event_at: TIME,
    created_at: TIME,
    updated_at: TIME,
    version: 1,
    ...fields,
  });
}
