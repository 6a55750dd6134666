import * as v from 'valibot';
import type { Charset } from '../charset.ts';
import { quoted } from '../quoted.ts';
import { noFields, notText } from './decoder.ts';
import type { Decoded, DecoderComponent } from './decoder.ts';
import { splitRow } from './delimited-row.ts';

const columnNames = v.pipe(
  v.array(
    v.pipe(v.string('must be a text'), v.nonEmpty('must not be empty')),
    'must be a list of column names',
  ),
  v.minLength(1, 'must name at least one column'),
  v.maxLength(1000, 'must name at most 1000 columns'),
  v.check((names) => new Set(names).size === names.length, 'names a column twice'),
  v.description('Names of the columns in their order. Without it the first record of each file names them.'),
);

const entries = v.strictObject({
  type: v.literal('delimited'),
  delimiter: v.optional(
    v.pipe(
      v.string('must be a text'),
      v.minLength(1, 'must have at least one character'),
      v.maxLength(8, 'must have at most 8 characters'),
      v.description('What stands between two fields: `,`, `|`, `"\\t"`, `||`.'),
    ),
    ',',
  ),
  columns: v.exactOptional(columnNames),
  header: v.exactOptional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'Whether the first record of each file is a header and no data; true if `columns` is not given.',
      ),
    ),
  ),
  quote: v.optional(
    v.pipe(
      v.union(
        [v.pipe(v.string(), v.length(1)), v.literal(false)],
        'must be one character, or false if quotes have no meaning',
      ),
      v.description('Character that encloses fields as RFC 4180 says; false if quotes mean nothing.'),
    ),
    '"',
  ),
  trim: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description('Whether spaces around a field are dropped; quoted ones stay.'),
    ),
    true,
  ),
});
const config = v.pipe(
  entries,
  v.check(
    ({ quote, delimiter }) => quote === false || !delimiter.includes(quote),
    'has a `quote` that is part of its `delimiter`',
  ),
);
type DelimitedConfig = v.InferOutput<typeof config>;

export const delimitedDecoder = {
  type: 'delimited',
  summary:
    'Each record is a line of fields with a delimiter between them: CSV (RFC 4180), pipes, tabs. A field in quotes may hold the delimiter; for one that holds line breaks the input needs `framing: { type: csv }`.',
  example: "decoder: { type: delimited, delimiter: '|', columns: [time, order_no, event] }",
  config,
  create: (settings, { charset }) => {
    const header = settings.header ?? settings.columns === undefined;
    const names = cachedHeader(settings, charset);
    return {
      ...(settings.columns === undefined ? { usesHeader: true } : {}),
      decode: (record) => {
        if (header && record.first === true) return { fields: [] };
        const columns = settings.columns ?? names(record.header);
        return typeof columns === 'string'
          ? { error: columns }
          : decodeRow(settings, columns, record.bytes, charset);
      },
    };
  },
} satisfies DecoderComponent<DelimitedConfig>;

/** A file's header is the same buffer or at least the same bytes for each of its records: split it once. */
function cachedHeader(
  settings: DelimitedConfig,
  charset: Charset,
): (header: Buffer | undefined) => readonly string[] | string {
  let known: { bytes: Buffer; names: readonly string[] } | undefined;
  return (header) => {
    if (header === undefined)
      return 'the names of its columns are not known: there is no header and no `columns`';
    if (known?.bytes.equals(header)) return known.names;
    const row = readRow(settings, header, charset);
    if (typeof row === 'string') return `its file's header ${row}`;
    const twice = row.find((name, index) => row.indexOf(name) < index);
    if (twice !== undefined) return `its file's header names a column twice: ${quoted(twice)}`;
    known = { bytes: Buffer.from(header), names: row };
    return row;
  };
}

/** Of a header's names, in a reason that each of its records may have. */
const NAMES_TOLD_MAX = 20;

function decodeRow(
  settings: DelimitedConfig,
  columns: readonly string[],
  bytes: Buffer,
  charset: Charset,
): Decoded {
  const row = readRow(settings, bytes, charset);
  if (typeof row === 'string') return { error: row };
  if (row.length !== columns.length) {
    // Those of a header may be anything, and as many: a file whose header is missing begins with data.
    const names = settings.columns ?? columns.slice(0, NAMES_TOLD_MAX).map(quoted);
    return { error: `has ${row.length} fields where ${columns.length} are expected (${names.join(', ')})` };
  }
  const fields = noFields();
  columns.forEach((name, index) => {
    fields[name] = row[index];
  });
  return { fields: [fields] };
}

/** The row's fields, or in words why it has none. */
function readRow(settings: DelimitedConfig, bytes: Buffer, charset: Charset): readonly string[] | string {
  const text = charset.decode(bytes);
  return text === undefined ? notText(charset) : splitRow(text, settings);
}
