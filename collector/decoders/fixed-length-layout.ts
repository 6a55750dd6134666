import * as v from 'valibot';
import { wholeNumber } from '../../common/config-values.ts';
import { encodingSchema } from '../charset.ts';

/** The layout of a record whose fields have fixed places. */

export type TrimWhere = 'both' | 'left' | 'right' | 'none';

export interface LayoutField {
  name?: string;
  bytes?: number;
  encoding?: string;
  trim?: TrimWhere;
  times?: number | string;
  fields?: LayoutField[];
}

const FIELDS_MAX = 2000;
const RECORD_BYTES_MAX = 64 * 1024 * 1024;
const FIELD_BYTES_MAX = 16 * 1024 * 1024;
const TIMES_MAX = 100_000;
/** Groups may stand in groups so deep. */
const DEPTH_MAX = 3;

/** valibot cannot infer the type of a schema that holds itself. */
type FieldSchema = v.GenericSchema<unknown, LayoutField>;
const NO_GROUPS: { fields?: never } = {};

export function layoutSchema(description: string): v.GenericSchema<unknown, LayoutField[]> {
  return v.pipe(
    fieldsSchema(DEPTH_MAX),
    v.check((fields) => bytesOf(fields) <= RECORD_BYTES_MAX, 'has more than 64MiB'),
    v.rawCheck(({ dataset, addIssue }) => {
      const unknown = dataset.typed ? unknownCount(dataset.value, []) : undefined;
      if (unknown !== undefined)
        addIssue({ message: `has a \`times\` that is no field before it: ${unknown}` });
    }),
    v.description(description),
  );
}

/** Bytes of a record with these fields; groups that stand as often as a field says count as none. */
export function bytesOf(fields: readonly LayoutField[]): number {
  let bytes = 0;
  for (const field of fields) {
    const times = field.times ?? 1;
    if (typeof times === 'string') continue;
    bytes += times * (field.fields === undefined ? (field.bytes ?? 0) : bytesOf(field.fields));
  }
  return bytes;
}

/** A field that some group is to stand as often as, and that does not stand before the group. */
function unknownCount(fields: readonly LayoutField[], outer: readonly string[]): string | undefined {
  const known = [...outer];
  for (const { name, times, fields: parts } of fields) {
    if (typeof times === 'string' && !known.includes(times)) return times;
    const unknown = parts === undefined ? undefined : unknownCount(parts, known);
    if (unknown !== undefined) return unknown;
    if (name !== undefined && parts === undefined) known.push(name);
  }
  return undefined;
}

function fieldsSchema(depth: number): v.GenericSchema<unknown, LayoutField[]> {
  return v.pipe(
    v.array<FieldSchema, string>(fieldSchema(depth), 'must be a list of fields'),
    v.minLength(1, 'must have at least one field'),
    v.maxLength(FIELDS_MAX, `must have at most ${FIELDS_MAX} fields`),
    v.check((fields) => {
      const names = fields.flatMap(({ name }) => name ?? []);
      return new Set(names).size === names.length;
    }, 'names a field twice'),
  );
}

function fieldSchema(depth: number): FieldSchema {
  return v.pipe(
    v.strictObject(
      {
        name: v.exactOptional(
          v.pipe(
            v.string('must be a text'),
            v.nonEmpty('must not be empty'),
            v.description('Name of the field; without it its bytes are passed over.'),
          ),
        ),
        bytes: v.exactOptional(wholeNumber(1, FIELD_BYTES_MAX, 'Bytes that the field has in the source.')),
        encoding: v.exactOptional(
          v.pipe(encodingSchema, v.description("Its encoding, if it is not the input's.")),
        ),
        trim: v.exactOptional(
          v.pipe(
            v.picklist(['both', 'left', 'right', 'none'], 'must be both, left, right or none'),
            v.description("Where spaces are dropped, if not as the decoder's `trim` says."),
          ),
        ),
        times: v.exactOptional(
          v.pipe(
            v.union(
              [wholeNumber(0, TIMES_MAX, 'A number.'), v.pipe(v.string(), v.nonEmpty('must not be empty'))],
              `must be a whole number from 0 to ${TIMES_MAX}, or the name of a field before it`,
            ),
            v.description(
              'How often the group stands here: a number, or the name of a field before it that holds it. Its value is a list then.',
            ),
          ),
        ),
        ...(depth === 0 ? NO_GROUPS : { fields: v.exactOptional(fieldsSchema(depth - 1)) }),
      },
      'must be an object with `bytes`, or with `fields`',
    ) as FieldSchema,
    v.check(
      (field) => 'fields' in field !== (field.bytes !== undefined),
      'must have exactly one of `bytes` and `fields`',
    ),
    v.check(
      (field) => field.fields === undefined || field.name !== undefined,
      'is a group and needs a `name`',
    ),
    v.check(
      (field) => field.fields !== undefined || field.times === undefined,
      'has `times` but is no group',
    ),
  );
}
