import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import { retentionOf } from '../config.ts';
import type { Retentions } from './retention.ts';

/** Settings that SQL stores share; spread into their schemas. Durations are in milliseconds. */

const FOR_EVER = 'forever';

function retention(description: string) {
  const words = `${description} A sinks process deletes what has expired, a little at a time. At least 1h, or \`forever\`.`;
  return v.pipe(
    v.union(
      [v.literal(FOR_EVER), retentionOf(words)],
      'must be a duration of at least 1h, like 90d, or forever',
    ),
    v.description(words),
  );
}

export const sqlEntries = {
  username: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description('User; see docs/sinks.md for the rights that it needs.'),
    ),
    'tranweave',
  ),
  tls: v.optional(
    v.pipe(
      v.picklist(['off', 'verify', 'unchecked'], 'must be off, verify or unchecked'),
      v.description(
        "Whether the connection is encrypted: `verify` with a certificate that is the host's (in MySQL a host by its name, not by its address) and that this machine trusts (Node's own list, and the file that NODE_EXTRA_CA_CERTS names), `unchecked` with any.",
      ),
    ),
    'off',
  ),
  retention: v.optional(retention('How long tracking logs are kept, from when they were collected.'), '90d'),
  summary_retention: v.optional(retention('How long transactions are kept, from their last change.'), '90d'),
  dead_letter_retention: v.optional(retention('How long dead letters are kept.'), '30d'),
  connect_timeout: v.optional(
    v.pipe(
      duration('How long connecting may take. 100ms to 30s.'),
      v.minValue(100, 'must be at least 100ms'),
      v.maxValue(30_000, 'must be at most 30s'),
    ),
    '5s',
  ),
  request_timeout: v.optional(
    v.pipe(
      duration('How long a batch may take before it counts as failed and is repeated. 1s to 90s.'),
      v.minValue(1000, 'must be at least 1s'),
      // A loop of a sinks process that is silent for two minutes counts as stuck.
      v.maxValue(90_000, 'must be at most 90s'),
    ),
    '30s',
  ),
};

/** The retentions that the settings ask for. */
export function retentionsOf(settings: {
  retention: number | typeof FOR_EVER;
  summary_retention: number | typeof FOR_EVER;
  dead_letter_retention: number | typeof FOR_EVER;
}): Retentions {
  const finite = (value: number | typeof FOR_EVER) => (value === FOR_EVER ? undefined : value);
  return {
    log: finite(settings.retention),
    summary: finite(settings.summary_retention),
    dead_letter: finite(settings.dead_letter_retention),
  };
}

/** An address without credentials, of one of these schemes. */
export function storeUrl(schemes: readonly string[], description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.regex(
      new RegExp(`^(?:${schemes.join('|')})://[^/\\s@?#]+/?$`),
      `must be like ${schemes[0] ?? ''}://host or ${schemes[0] ?? ''}://host:port`,
    ),
    v.description(description),
  );
}

/** Host and port of such an address. */
export function addressOf(url: string, portDefault: number): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  // IPv6 is in brackets in an address, and nowhere else.
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? portDefault : Number(port) };
}

/** A name of a database or schema: of few letters, so that it can stand in any statement as it is. */
export function identifier(description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be small letters, digits and _, starting with no digit'),
    v.description(description),
  );
}
