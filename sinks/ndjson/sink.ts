import type { StreamKind } from '../../common/redis/keys.ts';
import type { SinkComponent } from '../sink.ts';
import { ndjsonConfigSchema } from './config.ts';
import type { NdjsonSinkConfig } from './config.ts';
import { createNdjsonSink } from './files.ts';

/** Files of whole lines, handed over when they are complete. Exactly once: see take-over.ts and segment.ts. */
export const ndjsonSink = {
  type: 'ndjson',
  summary:
    'Writes logs, transactions (every revision) and dead letters into files of JSON lines, gzipped, handed over each hour or by size for others to take. Exactly once after any crash of a sinks process.',
  example: `- name: files
  type: ndjson
  dir: /var/lib/tranweave/files
  roll_bytes: 128MiB
  keep: 30d
`,
  streams: ['log', 'summary', 'dead_letter'] as readonly StreamKind[],
  config: ndjsonConfigSchema,
  create: (settings, deps) => createNdjsonSink(settings, deps),
} satisfies SinkComponent<NdjsonSinkConfig>;
