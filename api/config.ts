import * as v from 'valibot';
import {
  adminConfigSchema,
  byteSize,
  duration,
  partName,
  port,
  unique,
  wholeNumber,
} from '../common/config-values.ts';

/** The section `api:` of the config. Durations are in milliseconds, sizes in bytes. */

const KEY_CHARACTERS_MIN = 16;

const keySchema = v.pipe(
  v.strictObject({
    name: partName(
      'Whose key it is: in the log, the metrics and the rate limit. The key itself is told nowhere.',
    ),
    key: v.exactOptional(
      v.pipe(
        v.string('must be a text'),
        // Empty where its variable is not set: roles that do not serve the API read over it.
        v.check(
          (text) => text === '' || text.length >= KEY_CHARACTERS_MIN,
          `must have at least ${KEY_CHARACTERS_MIN} characters`,
        ),
        v.description(
          `The key as callers send it, at least ${KEY_CHARACTERS_MIN} characters; better given as \`\${API_KEY}\`. An empty one opens nothing.`,
        ),
      ),
    ),
    sha256: v.exactOptional(
      v.pipe(
        v.string('must be a text'),
        v.regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits in lower case'),
        v.description(
          'The key\'s SHA-256 in hexadecimal, in place of the key: `printf %s "$KEY" | sha256sum`. Make such keys by chance (`openssl rand -hex 32`): a short one could be guessed from it.',
        ),
      ),
    ),
    interfaces: v.exactOptional(
      v.pipe(
        v.array(
          v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
          'must be a list of interfaces',
        ),
        v.minLength(1, 'must name at least one'),
        v.description('Interfaces that it may see; all if not given. To it, nothing else exists.'),
      ),
    ),
    rate_limit: v.exactOptional(
      wholeNumber(1, 1_000_000, 'Requests a minute under this key; `api.rate_limit` if not given.'),
    ),
  }),
  v.check(
    ({ key, sha256 }) => (key === undefined) !== (sha256 === undefined),
    'needs either `key` or `sha256`',
  ),
);
export type ApiKeyConfig = v.InferOutput<typeof keySchema>;

export const apiConfigSchema = v.strictObject({
  host: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.nonEmpty('must not be empty'),
      v.description('Address to listen on. Any other than a loopback one needs `keys`.'),
    ),
    '127.0.0.1',
  ),
  port: v.optional(port('Port to listen on; 0 picks a free one and says which.'), 8090),
  admin: adminConfigSchema(),
  keys: v.pipe(
    v.optional(v.array(keySchema, 'must be a list of keys'), []),
    unique('name'),
    v.description(
      'Who may ask. Without any, everybody on this machine may, and the role refuses to start on an address that others reach.',
    ),
  ),
  rate_limit: v.optional(
    wholeNumber(
      1,
      1_000_000,
      'Requests a minute under one key, over all replicas; beyond it 429. Opening a stream is one request.',
    ),
    600,
  ),
  streams_max: v.optional(
    wholeNumber(
      1,
      10_000,
      'Streams (`GET /v1/stream`) that one process serves at the same time; beyond it 503.',
    ),
    100,
  ),
  stream_buffer_bytes_max: v.optional(
    byteSize(
      'What may wait in memory for one client of a stream, and one entry of its partition more, before it is given nothing until it has taken all.',
    ),
    '1MiB',
  ),
  stream_stall_max: v.optional(
    duration('How long a client of a stream may take for what waits for it; one that is slower is cut off.'),
    '30s',
  ),
  stream_history: v.optional(
    duration(
      "How long summary streams keep what every sink has, so that a client that comes back finds what it missed. It is given up first when Redis' memory runs short. `0s`: no history.",
    ),
    '5m',
  ),
  stream_history_entries_max: v.optional(
    wholeNumber(
      1,
      1_000_000,
      'Entries (of up to 256 summaries) that one partition keeps for that, at most; never more than half of `processor.summary_entries_max`, lest processors wait for it.',
    ),
    2_000,
  ),
  stream_history_bytes_max: v.optional(
    byteSize(
      "Redis' memory that one partition may use for that, about; times `partitions` it is the price of the history.",
    ),
    '8MiB',
  ),
});
export type ApiConfig = v.InferOutput<typeof apiConfigSchema>;
