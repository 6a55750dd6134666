import { startApi } from '../api/main.ts';
import type { ApiRole } from '../api/main.ts';
import { FatalError } from '../common/errors.ts';
import type { Started } from '../common/role.ts';
import { clickHouseClient } from './clickhouse-client.ts';
import { fromRedis } from './transaction-lookup.ts';
import type { TranweaveConfig } from './tranweave-config.ts';

/** Starts the API as the config has it. Throws a FatalError where it has none. */
export function startConfiguredApi(
  base: Pick<ApiRole, 'shared' | 'clock' | 'logger' | 'lifecycle'>,
  config: TranweaveConfig,
): Promise<Started> {
  if (config.api === undefined) {
    throw new FatalError('the config has no section `api`; `api: {}` serves it on this machine');
  }
  return startApi({
    ...base,
    config: config.api,
    clickhouse: clickHouseClient(config),
    remembered: (redis, id) => fromRedis(redis, config, id),
  });
}
