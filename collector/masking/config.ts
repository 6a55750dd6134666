import * as v from 'valibot';
import { byteSize, pathTo } from '../../common/config-values.ts';
import { LIMITS, TRACKING_LOG_FIELDS } from '../../common/tracking-log.ts';
import { patternSchema } from '../pattern.ts';
import { coverEntries } from './cover.ts';
import type { CoverConfig } from './cover.ts';
import { KNOWN } from './finders.ts';

/** What must not leave the node as it is. */

const notBoth = <T extends CoverConfig>() =>
  v.check<T, string>(
    (mask) => mask.hash !== true || mask.keep_last === undefined,
    'must have only one of `keep_last` and `hash`',
  );

const isMaskable = (field: string) =>
  /^(?:business_keys|attributes)\.(?:.+)$/.test(field) ||
  (/^(?:transaction_id|parent_transaction_id|interface_id|branch|source_system|target_system|node|process|error_code|error_message|payload)$/.test(
    field,
  ) &&
    (TRACKING_LOG_FIELDS as readonly string[]).includes(field));

const maskableField = v.pipe(
  v.string('must be the name of a field'),
  v.check(
    isMaskable,
    'must be a text of the standard log, like payload, error_message, business_keys.NAME or attributes.NAME',
  ),
);

const fieldMask = v.pipe(v.strictObject({ field: maskableField, ...coverEntries }), notBoth());

const pathMask = v.pipe(
  v.strictObject({
    path: v.pipe(
      v.string('must be a path'),
      v.regex(
        /^(?:\*\*\.)?[^.]+(?:\.[^.]+)*$/,
        'must be names with dots between them, like order.customer.name, items.*.note or **.phone',
      ),
      v.check((path) => !path.slice(2).includes('**') && path !== '**', 'may have ** only before all others'),
    ),
    ...coverEntries,
  }),
  notBoth(),
);

const patternMask = v.pipe(
  v.strictObject({
    known: v.exactOptional(v.picklist(KNOWN, `must be one of ${KNOWN.join(', ')}`)),
    pattern: v.exactOptional(patternSchema('A pattern (RE2).')),
    fields: v.exactOptional(v.array(maskableField, 'must be a list of fields')),
    ...coverEntries,
  }),
  v.check(
    ({ known, pattern }) => (known === undefined) !== (pattern === undefined),
    'must have exactly one of `known` and `pattern`',
  ),
  notBoth(),
);

export const maskingSchema = v.pipe(
  v.strictObject(
    {
      fields: v.optional(
        v.pipe(
          v.array(fieldMask, 'must be a list of masks'),
          v.description(
            'Masks of whole fields of the standard log: `{ field: business_keys.customer, hash: true }`.',
          ),
        ),
        [],
      ),
      payload: v.optional(
        v.pipe(
          v.array(pathMask, 'must be a list of masks'),
          v.description(
            'Masks within a payload that is JSON or XML: `{ path: order.customer.phone, keep_last: 4 }`. `*` is any name, `**.` at the beginning any depth, `@name` an attribute; of XML the path begins below the root element. A payload that is neither is left out.',
          ),
        ),
        [],
      ),
      patterns: v.optional(
        v.pipe(
          v.array(patternMask, 'must be a list of masks'),
          v.description(
            'Masks of what looks like something: `{ known: card, keep_last: 4 }`, with `known` one of resident-number (Korean), card (by its check digit), phone, email; or `{ pattern: … }` of your own. Looked for in payload, error_message, business_keys and attributes, or in `fields`, and in dead letters.',
          ),
        ),
        [],
      ),
      hash_key: v.exactOptional(
        v.pipe(
          v.string('must be a text'),
          v.minLength(16, 'must have at least 16 characters'),
          v.description(
            'Key of hashes, from the environment: `${TRANWEAVE_HASH_KEY}`. The same on every node whose values are to be joined; another key gives other hashes.',
          ),
        ),
      ),
      payload_bytes_max: v.exactOptional(
        v.pipe(
          byteSize('Longer payloads are cut to so many bytes, after masking and never within a character.'),
          v.maxValue(LIMITS.payloadBytesMax, 'must be at most 1MiB'),
        ),
      ),
      dead_letters: v.exactOptional(
        v.pipe(
          v.picklist(['patterns', 'none'], 'must be patterns or none'),
          v.description(
            'What of a record that cannot be taken is kept in its dead letter: all of it, with `patterns` masked, or `none` of it, so that it cannot be tried again. `none` if not given, where `fields` or `payload` are masked or the decoder is ibm-ace, as nobody knows where in such a record these stand; else `patterns`.',
          ),
        ),
      ),
    },
    'must be an object',
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { fields, payload, patterns, hash_key } = dataset.value;
    const hashes = [...fields, ...payload, ...patterns].some(({ hash }) => hash === true);
    if (hashes && hash_key === undefined) {
      addIssue({ message: 'needs a `hash_key` for its hashes', path: pathTo(dataset.value, 'hash_key') });
    }
  }),
  v.description(
    'What must not leave this machine as it is. Done before a log is handed on, and in dead letters; see [formats](formats.md#masking).',
  ),
);
export type MaskingConfig = v.InferOutput<typeof maskingSchema>;
