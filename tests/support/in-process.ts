import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { startCollector } from '../../collector/main.ts';
import { systemClock } from '../../common/clock.ts';
import type { Clock } from '../../common/clock.ts';
import { startClickHouse } from '../../common/testing/clickhouse.ts';
import type { TestClickHouse } from '../../common/testing/clickhouse.ts';
import { startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { startRole } from '../../common/testing/role.ts';
import type { TestRole } from '../../common/testing/role.ts';
import { startProcessor } from '../../processor/main.ts';
import { startSinks } from '../../sinks/main.ts';
import { redisSinksOf, sharedOf } from '../../scripts/commands/roles.ts';
import type { RoleName as AnyRole } from '../../scripts/commands/roles.ts';
import { tranweaveConfigSchema } from '../../scripts/tranweave-config.ts';

type RoleName = Exclude<AnyRole, 'api'>;

/** A whole landscape in the test's own process: real roles, a real Redis and the real ClickHouse engine. */
export interface InProcess extends AsyncDisposable {
  dir: string;
  server: TestRedis;
  clickhouse: TestClickHouse;
  roles: Readonly<Record<RoleName, TestRole>>;
  /** For whatever befalls Redis; not the roles' own connection. */
  admin: Redis;
  /** Sends lines by HTTP. */
  post(body: string, key: string): Promise<Response>;
  /** Appends lines to a file that is followed. */
  write(text: string): Promise<void>;
  /** One more of the role. */
  start(role: RoleName): Promise<TestRole>;
}

/** Time as it is; but what is waited for comes soon. */
const clock: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal),
};

export interface InProcessOptions {
  /** More words for the command line of the redis-server; read anew whenever it is started. */
  redisArgs?: readonly string[];
  /** Whom the roles log in to Redis as; the default user if not given. */
  user?: { username: string; password: string };
}

export async function createInProcess({ redisArgs = [], user }: InProcessOptions = {}): Promise<InProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-in-process-'));
  const server = await startRedis({ dir, extraArgs: redisArgs });
  const admin = new Redis(server.url, { protocol: 2, enableOfflineQueue: true });
  admin.on('error', () => undefined);
  if (user !== undefined) {
    await admin.acl('SETUSER', user.username, 'on', `>${user.password}`, '~*', '&*', '+@all');
  }
  const clickhouse = await startClickHouse();
  const config = v.parse(tranweaveConfigSchema, {
    partitions: 2,
    redis: { url: server.url, command_timeout: '2s', ...user },
    inputs: [
      { name: 'api', type: 'http', port: 0 },
      { name: 'files', type: 'file', paths: [join(dir, '*.log')], scan_interval: '50ms' },
    ],
    claims: { ttl: '600ms', heartbeat: '100ms' },
    processor: { merge_delay: '20ms' },
    sinks: [{ name: 'store', type: 'clickhouse', url: clickhouse.url, batch: { delay_max: '50ms' } }],
  });
  const roles = {
    collector: await start('collector'),
    processor: await start('processor'),
    sinks: await start('sinks'),
  };

  function start(role: RoleName): Promise<TestRole> {
    return startRole((parts) => {
      const base = { ...parts, shared: sharedOf(config), claims: config.claims };
      if (role === 'collector')
        return startCollector({ ...base, config: config.collector, inputs: config.inputs });
      if (role === 'processor') return startProcessor({ ...base, config: config.processor, flows: config });
      return startSinks({
        ...base,
        config: config.sinks_process,
        sinks: config.sinks,
        redisSinks: redisSinksOf(config),
      });
    }, clock);
  }

  return {
    dir,
    server,
    clickhouse,
    roles,
    admin,
    start,
    post: (body, key) =>
      fetch(roles.collector.started.addresses['api'] ?? '', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': key },
      }),
    write: (text) => appendFile(join(dir, 'a.log'), text),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(Object.values(roles).map((role) => role.stop()));
      admin.disconnect();
      await clickhouse.stop();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
