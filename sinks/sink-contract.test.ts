import { clickhouseHarness } from './clickhouse/harness.ts';
import { mongodbHarness } from './mongodb/harness.ts';
import { mysqlHarness } from './mysql/harness.ts';
import { postgresqlHarness } from './postgresql/harness.ts';
import type { sinks } from './registry.ts';
import { describeSink } from './testing/conformance.ts';
import type { SinkHarness } from './testing/conformance.ts';

/** Every sink of the registry is held to the same promises. A new one adds its harness here. */
const harnesses: Readonly<Record<keyof typeof sinks, SinkHarness>> = {
  clickhouse: clickhouseHarness,
  postgresql: postgresqlHarness,
  mysql: mysqlHarness,
  mongodb: mongodbHarness,
};
for (const [type, harness] of Object.entries(harnesses)) describeSink(type as keyof typeof sinks, harness);
