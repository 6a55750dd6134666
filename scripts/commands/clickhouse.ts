import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runLifecycle } from '../../common/lifecycle.ts';
import { createLogger } from '../../common/logger.ts';
import { startEmbeddedClickHouse } from '../embedded-clickhouse/front.ts';
import { standBack } from '../embedded-clickhouse/priority.ts';
import { v8FlagsOf } from '../node-flags.ts';
import { leaveParent, tellParent } from '../parent.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import { clickHouseOf } from '../up/plan.ts';

/** Serves the embedded ClickHouse, where the config's ClickHouse sink looks for it, until the process is told to stop. */
export async function serveClickHouse(options: { config: string; dataDir?: string }): Promise<void> {
  const config = loadTranweaveConfig(options.config);
  const logger = createLogger('clickhouse', config.log_level);
  const { host, hostBesides, port, password } = clickHouseOf(config);
  for (const flag of v8FlagsOf('clickhouse')) setFlagsFromString(flag);
  standBack();
  await runLifecycle(
    async (lifecycle) => {
      const server = await startEmbeddedClickHouse({
        host,
        hostBesides,
        port,
        dataDir: options.dataDir ?? join(config.up.data_dir, 'clickhouse'),
        password,
        logger,
      });
      lifecycle.onStop('clickhouse', () => server.stop());
      logger.info({ url: server.url }, 'clickhouse is ready');
      tellParent({ ready: { adminUrl: server.url, addresses: {} } });
    },
    { logger },
  );
  leaveParent();
}
