import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../common/clock.ts';
import { RetriableError } from '../common/errors.ts';
import { HEADER_BYTES_MAX, startHttpServer } from '../common/http-server.ts';
import { httpUrl } from '../common/http-url.ts';
import type { Lifecycle } from '../common/lifecycle.ts';
import type { Logger } from '../common/logger.ts';
import { PARTITIONS_MAX } from '../common/partition.ts';
import type { RedisClient } from '../common/redis/connection.ts';
import { joinAsRole } from '../common/role.ts';
import type { Role, SharedConfig, Started } from '../common/role.ts';
import type { Summary } from '../common/summary.ts';
import { createApp } from './app.ts';
import { askClickHouse } from './ask-clickhouse.ts';
import type { ApiConfig } from './config.ts';
import { createFeed } from './feed.ts';
import { createAuthenticate } from './keys.ts';
import { createApiMetrics } from './metrics.ts';
import { ID_CHARACTERS_MAX } from './position.ts';
import { createRateLimit } from './rate-limit.ts';
import { createStore } from './store.ts';
import { createStreams } from './streams.ts';

export interface ApiRole {
  shared: SharedConfig;
  config: ApiConfig;
  /** Looks a transaction up in Redis; undefined if Redis does not remember it. */
  remembered(redis: RedisClient, id: string): Promise<Summary | undefined>;
  /** Undefined where no ClickHouse is configured. Closed when the role stops. */
  clickhouse: ClickHouseClient | undefined;
  clock: Clock;
  logger: Logger;
  lifecycle: Lifecycle;
}

/** How often it is looked whether the deployment is still the one that this process was started for. */
export const LOOK_MS = 2_000;
/** The feed's loop comes round in a second when nothing is wrong, and after the command timeout when Redis is silent. */
const STALL_MS = 60_000;
/**
 * A client may come back with an id in the header and in the parameter, where each partition's `;` takes three characters: `EventSource` sets
 * the one, and keeps the address with the other.
 */
const REQUEST_HEADER_BYTES_MAX = HEADER_BYTES_MAX + 2 * ID_CHARACTERS_MAX + 2 * PARTITIONS_MAX;
/** Not a group: the API only reads, and what its name is asked for is whether partitions are being changed. */
const NAME = 'api';

/** Starts the API: joins the deployment, reads the summary streams for whoever listens, then serves. */
export async function startApi(deps: ApiRole): Promise<Started> {
  const { shared, config, clickhouse, clock, logger, lifecycle } = deps;
  // Before anything else: it can be told by the config alone.
  const authenticate = createAuthenticate(config);
  const role = await joinAsRole({
    ...deps,
    role: 'api',
    admin: config.admin,
    adminPortKey: 'api.admin.port',
  });
  const { redis, keys } = role;
  lifecycle.onStop('clickhouse', async () => clickhouse?.close());
  const part = role.health.part('feed', STALL_MS);
  const fail = (error: unknown) => lifecycle.fail(error);
  const feed = createFeed({
    redis,
    keys,
    partitions: shared.partitions,
    clock,
    logger,
    onProgress: () => part.progress(),
    onFailure: fail,
  });
  const metrics = createApiMetrics(role.registry, () => feed.clients());
  const onCut = () => metrics.cut.inc();
  const streams = createStreams({ feed, config, partitions: shared.partitions, clock, onCut });
  const app = createApp({
    authenticate,
    rateLimit: createRateLimit(redis, keys),
    remembered: (id) => deps.remembered(redis, id),
    store: clickhouse === undefined ? undefined : createStore(askClickHouse(clickhouse)),
    streams,
    metrics,
    clock,
    logger,
    fail,
  });
  const stop = new AbortController();
  const running = Promise.all([feed.run(stop.signal), watchDeployment(deps, role, stop.signal)]).catch(fail);
  lifecycle.onStop('feed', async () => {
    stop.abort();
    await running;
    part.remove();
  });
  const server = await startHttpServer({
    app,
    host: config.host,
    port: config.port,
    portKey: 'api.port',
    headerBytesMax: REQUEST_HEADER_BYTES_MAX,
  });
  lifecycle.onStop('server', () => server.stop(lifecycle.force));
  lifecycle.onStop('streams', () => streams.stop());
  const address = httpUrl(config.host, server.port);
  logger.info({ address }, 'the API is served');
  return { adminUrl: role.adminUrl, addresses: { [NAME]: address } };
}

/** Ends the process once there is another number of partitions: where a transaction is found depends on it. */
async function watchDeployment({ clock }: ApiRole, role: Role, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, signal);
    try {
      if (!signal.aborted) await role.mayHold(NAME);
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error;
    }
  }
}
