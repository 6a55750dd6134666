import { clickhouseHarness } from './clickhouse/harness.ts';
import { mongodbHarness } from './mongodb/harness.ts';
import { mysqlHarness } from './mysql/harness.ts';
import { postgresqlHarness } from './postgresql/harness.ts';
import type { sinks } from './registry.ts';
import { describeSink } from './testing/conformance.ts';
import type { SinkHarness } from './testing/conformance.ts';

/**
 * Every store of the registry that keeps the newest is held to the same promises; a new one adds its harness here. Files keep everything and are
 * written in turns: ndjson/contract.test.ts.
 */
const harnesses: Readonly<Record<Exclude<keyof typeof sinks, 'ndjson'>, SinkHarness>> = {
  clickhouse: clickhouseHarness,
  postgresql: postgresqlHarness,
  mysql: mysqlHarness,
  mongodb: mongodbHarness,
};
for (const [type, harness] of Object.entries(harnesses)) describeSink(type as keyof typeof sinks, harness);
