import { RetriableError } from '../../common/errors.ts';
import { sinkGroup } from '../../common/redis/groups.ts';
import type { Store } from '../lazy-sink.ts';
import type { RedisSinkDeps } from '../redis-sink.ts';
import type { ClickHouseSinkConfig } from '../clickhouse/sink.ts';
import { combineWhileClaimed } from './combiner.ts';
import type { InsightConfig } from './config.ts';
import { countBatch, readRevisions } from './count-batch.ts';
import { definitionOf } from './definition.ts';
import { createDefinitions } from './definitions.ts';
import { createInsightMetrics } from './metrics.ts';
import { tableStoreOf, writeTables } from './table-writer.ts';

/** Group of the claim under which partitions are put together. */
const COMBINER_GROUP = 'insights-combiner';

/** Somebody changes a partition's numbers between reading and writing: who puts partitions together, as it closes windows. */
const ATTEMPTS_MAX = 5;

/** What is behind the sink; loaded when there are insights. @param sink whose database has the tables, if there is one. */
export function createInsights(
  deps: RedisSinkDeps,
  insights: readonly InsightConfig[],
  sink: ClickHouseSinkConfig | undefined,
): Omit<Store, 'inspector'> {
  const { redis, keys, partitions, clock, logger } = deps;
  const metrics = createInsightMetrics(deps.registry);
  const store = sink === undefined ? undefined : tableStoreOf(sink);
  let trouble: string | undefined;
  deps.addTrouble(() => (trouble === undefined ? undefined : `insights: ${trouble}`));
  const definitions = createDefinitions({
    redis,
    keys,
    partitions,
    definitions: insights.map(definitionOf),
    onBegun: (insight, generation) => logger.info({ insight, generation }, 'an insight begins to be counted'),
  });
  let running: Promise<void> = Promise.resolve();
  return {
    open: async () => {
      await definitions.record();
      running = deps.runAlone(COMBINER_GROUP, async (claim, onTurn) => {
        const beside = new AbortController();
        const signal = AbortSignal.any([claim.signal, beside.signal]);
        const onTrouble = (words: string | undefined) => (trouble = words);
        const writing =
          store === undefined
            ? Promise.resolve()
            : writeTables(
                { redis, keys, definitions, store, clock, logger, metrics, onTrouble },
                signal,
              ).catch((error: unknown) => deps.fail(error));
        try {
          const group = sinkGroup(deps.name);
          const withTable = store !== undefined;
          await combineWhileClaimed(
            { redis, keys, partitions, group, definitions, withTable, clock, logger, metrics },
            claim,
            onTurn,
          );
        } finally {
          beside.abort();
          await writing;
          trouble = undefined;
        }
      });
    },
    write: async (batch) => {
      const { revisions, refused } = readRevisions(batch.entries);
      for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
        if (await countBatch(deps, metrics, definitions, batch, revisions)) return { refused };
      }
      throw new RetriableError('the partition is being changed by somebody else');
    },
    close: async () => {
      await running;
      await store?.client.close();
    },
  };
}
