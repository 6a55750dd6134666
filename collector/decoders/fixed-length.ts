import * as v from 'valibot';
import { createCharset } from '../charset.ts';
import type { Charset } from '../charset.ts';
import type { Fields } from '../outcome.ts';
import { quoted } from '../quoted.ts';
import { noFields, notText } from './decoder.ts';
import type { DecoderComponent } from './decoder.ts';
import { bytesOf, layoutSchema } from './fixed-length-layout.ts';
import type { LayoutField, TrimWhere } from './fixed-length-layout.ts';

const entries = v.strictObject({
  type: v.literal('fixed-length'),
  fields: layoutSchema(
    'The fields in the order of their bytes. One with `name` and `bytes` is a text; one with `bytes` alone is passed over; one with `name` and `fields` is a group of fields, that stands `times` times.',
  ),
  trim: v.optional(
    v.pipe(
      v.picklist(['both', 'left', 'right', 'none'], 'must be both, left, right or none'),
      v.description('Where spaces and NUL characters are dropped from fields that do not say it themselves.'),
    ),
    'both',
  ),
  short: v.optional(
    v.pipe(
      v.picklist(['refuse', 'pad'], 'must be refuse or pad'),
      v.description(
        'What becomes of a record that is shorter than its fields: a dead letter, or what is missing counts as spaces, for writers that drop those at the end.',
      ),
    ),
    'refuse',
  ),
  long: v.optional(
    v.pipe(
      v.picklist(['refuse', 'ignore'], 'must be refuse or ignore'),
      v.description('What becomes of a record that is longer: a dead letter, or the rest is ignored.'),
    ),
    'refuse',
  ),
});
type FixedLengthConfig = v.InferOutput<typeof entries>;

/** Fields are cut by bytes before they are read as text: a Korean letter is two bytes in EUC-KR, and would shift what stands behind it. */
export const fixedLengthDecoder = {
  type: 'fixed-length',
  summary:
    'Each field has a place of its own in the record, counted in bytes of the source. Groups of fields may stand in it several times, a fixed number or one that an earlier field tells.',
  example: `decoder:
  type: fixed-length
  fields:
    - { name: order_no, bytes: 10 }
    - { bytes: 2 }
    - { name: customer, bytes: 20, encoding: cp949 }
    - { name: count, bytes: 3 }
    - { name: items, times: count, fields: [{ name: code, bytes: 6 }, { name: price, bytes: 9 }] }`,
  config: entries,
  create: (settings, { charset }) => {
    const read = layoutReader(settings, charset);
    return {
      decode: ({ bytes }) => {
        try {
          return { fields: [read(bytes)] };
        } catch (error) {
          if (error instanceof NoSuchRecord) return { error: error.message };
          throw error;
        }
      },
    };
  },
} satisfies DecoderComponent<FixedLengthConfig>;

/** Thrown and caught within this file: fields are read many levels deep. */
class NoSuchRecord extends Error {}

/** Where in a record the reading is. */
interface Cursor {
  readonly bytes: Buffer;
  at: number;
}

type ReadField = (cursor: Cursor, into: Fields, outer: readonly Fields[]) => void;

function layoutReader(settings: FixedLengthConfig, charset: Charset): (bytes: Buffer) => Fields {
  const readers = settings.fields.map((field) => fieldReader(field, settings, charset));
  const needs = bytesOf(settings.fields);
  return (bytes) => {
    if (bytes.length < needs && settings.short === 'refuse') {
      throw new NoSuchRecord(`has ${bytes.length} bytes where its fields have ${needs}`);
    }
    const cursor = { bytes, at: 0 };
    const fields = noFields();
    for (const read of readers) read(cursor, fields, [fields]);
    if (cursor.at < bytes.length && settings.long === 'refuse') {
      throw new NoSuchRecord(`has ${bytes.length} bytes where its fields have ${cursor.at}`);
    }
    return fields;
  };
}

function fieldReader(field: LayoutField, settings: FixedLengthConfig, charset: Charset): ReadField {
  const { name, bytes = 0, fields } = field;
  if (fields !== undefined) return groupReader(field, settings, charset);
  if (name === undefined) {
    return (cursor) => {
      cursor.at += bytes;
    };
  }
  // What is done with bad bytes holds for a field with an encoding of its own as well.
  const own = field.encoding === undefined ? charset : createCharset(field.encoding, charset.onBadBytes);
  const trim = TRIMS[field.trim ?? settings.trim];
  return (cursor, into) => {
    const start = cursor.at;
    cursor.at += bytes;
    if (cursor.at > cursor.bytes.length && settings.short === 'refuse') {
      throw new NoSuchRecord(`ends within its field ${name}, which is bytes ${start + 1} to ${cursor.at}`);
    }
    const text = own.decode(cursor.bytes.subarray(start, cursor.at));
    if (text === undefined) {
      throw new NoSuchRecord(`has a field ${name} (bytes ${start + 1} to ${cursor.at}) that ${notText(own)}`);
    }
    into[name] = trim(text);
  };
}

function groupReader(field: LayoutField, settings: FixedLengthConfig, charset: Charset): ReadField {
  const { name = '', times, fields = [] } = field;
  const readers = fields.map((part) => fieldReader(part, settings, charset));
  const readOnce = (cursor: Cursor, outer: readonly Fields[]) => {
    const group = noFields();
    for (const read of readers) read(cursor, group, [group, ...outer]);
    return group;
  };
  if (times === undefined) {
    return (cursor, into, outer) => {
      into[name] = readOnce(cursor, outer);
    };
  }
  if (typeof times === 'number') {
    return (cursor, into, outer) => {
      into[name] = Array.from({ length: times }, () => readOnce(cursor, outer));
    };
  }
  return (cursor, into, outer) => {
    const groups: Fields[] = [];
    const count = countIn(times, name, outer);
    for (let i = 0; i < count; i += 1) {
      const start = cursor.at;
      if (start < cursor.bytes.length) groups.push(readOnce(cursor, outer));
      // The number may be any: without bytes for each there is no end to it.
      if (cursor.at === start)
        throw new NoSuchRecord(
          `ends before the ${quoted(String(count))} ${name} that its field ${times} says`,
        );
    }
    into[name] = groups;
  };
}

/** The number that a field has which was read before, the nearest one of that name. */
function countIn(countField: string, name: string, outer: readonly Fields[]): number {
  const found = outer.find((fields) => Object.hasOwn(fields, countField))?.[countField];
  const text = typeof found === 'string' ? found.trim() : '';
  if (!/^\d{1,9}$/.test(text)) {
    throw new NoSuchRecord(
      `has a field ${countField} that is not the number of its ${name}: ${quoted(text)}`,
    );
  }
  return Number(text);
}

/** Spaces of every kind, and what programs in C and COBOL leave in fields that were never filled. */
const isBlank = (char: string) => char === ' ' || char === '\0' || char.trim() === '';

function trimLeft(text: string): string {
  let start = 0;
  while (start < text.length && isBlank(text.charAt(start))) start += 1;
  return text.slice(start);
}

function trimRight(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

const TRIMS: Readonly<Record<TrimWhere, (text: string) => string>> = {
  both: (text) => trimLeft(trimRight(text)),
  left: trimLeft,
  right: trimRight,
  none: (text) => text,
};
