import type { ClickHouseSettings } from '@clickhouse/client';

/** Settings of ClickHouse that our promises rest on, given with every insert so that no server's profile and no new default moves them. */

/**
 * A token stands for a batch only if the batch is cut into the same parts each time: one block, and of it one part per partition of the
 * table. Then a repetition leaves out exactly the parts that are there, also when ClickHouse died between two of them. Tried: rows
 * that came again under their token, but in blocks of another size, were stored twice.
 */
export function oneBlock(rows: number): ClickHouseSettings {
  return {
    insert_deduplicate: 1,
    deduplicate_blocks_in_dependent_materialized_views: 1,
    // On by default since 26.3; it would put batches together anew, and tokens would not hold.
    async_insert: 0,
    // Would cut blocks as its threads happen to finish.
    input_format_parallel_parsing: 0,
    max_insert_block_size: String(rows + 1),
    // Smaller blocks are put together until they have this.
    min_insert_block_size_rows: String(rows + 1),
    min_insert_block_size_bytes: '9223372036854775807',
    // Rows of one key collapse in merges, and until then under FINAL. Looking for them in an insert was a fifth of its CPU (2.6 of 12.4 µs for
    // a log, 4 of 25 for a revision), and most find none.
    optimize_on_insert: 0,
    // A daily file of a year's logs is one batch of many partitions; the default of 100 would refuse it for ever.
    max_partitions_per_insert_block: '0',
  };
}

/** How rows are read; the same for rows that are stored and for rows that are only tried. */
export const READING: ClickHouseSettings = {
  date_time_input_format: 'best_effort',
  // A duration is the same number in the table as in the log.
  precise_float_parsing: 1,
  input_format_defaults_for_omitted_fields: 1,
  // Rows that are arrays: what is absent is null, or left out at the end. Columns that this release does not know never get here: the
  // reader of the stream waits for a newer release (stream-reader.ts).
  input_format_null_as_default: 1,
  input_format_json_compact_allow_variable_number_of_columns: 1,
  // Steps are arrays of their values.
  input_format_json_named_tuples_as_objects: 0,
  // A field that a newer collector writes must not vanish without a word: its rows wait, or are dead letters, until the sinks are as
  // new (refused-rows.ts). The price: in an update, sinks go before collectors.
  input_format_skip_unknown_fields: 0,
  // Dead letters may quote half a surrogate pair; better as it is than not at all.
  input_format_json_throw_on_bad_escape_sequence: 0,
};
