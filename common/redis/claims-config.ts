import * as v from 'valibot';
import { duration } from '../config-values.ts';

/** The section `claims:` of the config, the same for processors and sinks. Durations are in milliseconds. */
export const claimsConfigSchema = v.pipe(
  v.strictObject({
    ttl: v.optional(
      v.pipe(
        duration(
          'So long after the last sign of life of a replica its partitions have been taken over by others, at the latest. At least 500ms, and three heartbeats.',
        ),
        v.minValue(500, 'must be at least 500ms'),
      ),
      '10s',
    ),
    heartbeat: v.optional(
      v.pipe(
        duration(
          'How often a replica shows that it lives, renews its claims and looks whether replicas came or went. At least 100ms.',
        ),
        v.minValue(100, 'must be at least 100ms'),
      ),
      '2s',
    ),
  }),
  v.check((config) => config.heartbeat * 3 <= config.ttl, 'must have a `ttl` of at least three heartbeats'),
);
export type ClaimsConfig = v.InferOutput<typeof claimsConfigSchema>;
