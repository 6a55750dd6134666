import { LOG_COLUMNS } from '../common/log-row.ts';
import { crcOfBytes } from '../common/partition.ts';
import { timestampFromMillis } from '../common/timestamp.ts';
import type { EventId, StandardRow } from './outcome.ts';
import { COMMA, QUOTE } from './plain-bytes.ts';
import { QUOTED_BYTES_MAX, RowRoom } from './row-room.ts';
import { ABSENT, columnOf, ends, eventTime, line, NULL, readCells, starts } from './standard-cells.ts';
import { createTextCache } from './text-cache.ts';
import { wordOf } from './words.ts';

/**
 * The short way of a record that is a standard log already, as one JSON object: from its bytes to those of its row in one pass, with
 * values taken over as they are written; no text is made of them. It takes what is plain and certain, which is nearly everything; of
 * whatever is not (escapes, long texts, numbers in odd forms, fields that it does not know, anything wrong) it says nothing, and the
 * record goes the whole way through JSON.parse and the schema, which then gives the log or the reasons. A property test holds the two to
 * the same result.
 *
 * @param eventId for a log that has none of its own.
 */
export type ReadStandardLine = (
  record: Buffer,
  eventId: EventId,
  ingestMillis: number,
) => StandardRow | undefined;

/**
 * @param stamp what the collector says of every log of the input.
 * @param partitions as many as the rows are for: those of one partition lie together.
 */
export function createStandardLineReader(
  stamp: { channel: string; input: string },
  partitions: number,
): ReadStandardLine {
  const said = `${JSON.stringify(stamp.channel)},${JSON.stringify(stamp.input)}`;
  const rooms = Array.from({ length: Math.min(partitions, ROOMS_MAX) }, () => new RowRoom());
  const interfaces = createTextCache();
  let stamped = { time: '', bytes: NULL };
  return (record, eventId, ingestMillis) => {
    if (!readCells(record)) return undefined;
    const ingestTime = timestampFromMillis(ingestMillis);
    // Thousands of logs are stamped within one millisecond.
    if (stamped.time !== ingestTime) stamped = { time: ingestTime, bytes: wordOf(`"${ingestTime}",${said}`) };
    const crc = crcOfBytes(line.bytes, (starts[TRANSACTION_ID] ?? 0) + 1, (ends[TRANSACTION_ID] ?? 0) - 1);
    const room = rooms[(crc % partitions) % rooms.length] ?? new RowRoom();
    const idBytes = eventId.stem.length * QUOTED_BYTES_MAX;
    room.begin(record.length + stamped.bytes.byteLength + idBytes + MADE_BYTES_MAX, ingestMillis);
    writeCells(room, stamped.bytes, eventId);
    room.end();
    const [from, to] = [starts[INTERFACE_ID] ?? ABSENT, ends[INTERFACE_ID] ?? ABSENT];
    return {
      room: room.bytes,
      from: room.from,
      to: room.to,
      crc,
      interface_id: from === ABSENT ? '' : interfaces(line.bytes, from + 1, to - 1),
      ingest_time: ingestTime,
      input: stamp.input,
    };
  };
}

const TRANSACTION_ID = columnOf('transaction_id');
const INTERFACE_ID = columnOf('interface_id');
const EVENT_ID = columnOf('event_id');
const EVENT_TIME = columnOf('event_time');
const INGEST_TIME = columnOf('ingest_time');
const INPUT = columnOf('input');

/** Of more partitions some share theirs: they are taken for each input. */
const ROOMS_MAX = 16;
/** Of what is written besides: brackets, commas, quotes, absent values, the number of an event id, and a time that is longer than it was given. */
const MADE_BYTES_MAX = 256;

/** By columns. */
const DEFAULTS = LOG_COLUMNS.map((column) =>
  column === 'branch' ? wordOf('""') : column === 'attempt' ? wordOf('1') : NULL,
);

/** @param stamp what the collector says in the columns from the ingest time to the input. @param eventId if the record does not say it. */
function writeCells(room: RowRoom, stamp: DataView, eventId: EventId): void {
  let last = LOG_COLUMNS.length - 1;
  while (last > INPUT && starts[last] === ABSENT) last -= 1;
  room.putByte(0x5b);
  for (let column = 0; column <= last; column += 1) {
    if (column > 0) room.putByte(COMMA);
    const from = starts[column] ?? ABSENT;
    if (column === INGEST_TIME) {
      room.put(stamp, 0, stamp.byteLength);
      column = INPUT;
    } else if (column === EVENT_ID && from === ABSENT) {
      writeEventId(room, eventId);
    } else if (column === EVENT_TIME && eventTime.fractionDigits !== FRACTION_DIGITS) {
      writeTime(room, from);
    } else if (from === ABSENT) {
      const value = DEFAULTS[column] ?? NULL;
      room.put(value, 0, value.byteLength);
    } else {
      room.put(line.view, from, ends[column] ?? from);
    }
  }
  room.putByte(0x5d);
}

function writeEventId(room: RowRoom, { stem, number }: EventId): void {
  if (number === undefined) {
    room.putQuoted(stem);
    return;
  }
  if (stem !== lastStem.text) {
    lastStem.text = stem;
    // With its quote, and without the one at its end.
    lastStem.bytes = wordOf(JSON.stringify(stem).slice(0, -1));
  }
  room.put(lastStem.bytes, 0, lastStem.bytes.byteLength);
  room.putNumber(number);
  room.putByte(QUOTE);
}

/** Records of one source come one after the other. */
const lastStem = { text: '', bytes: wordOf('"') };

/** Of a canonical time. */
const FRACTION_DIGITS = 6;

/** The event time that stands at a place, with more digits of fraction, or fewer, or as it was computed. */
function writeTime(room: RowRoom, from: number): void {
  if (eventTime.computed !== undefined) {
    room.putQuoted(eventTime.computed);
    return;
  }
  room.put(line.view, from, from + QUOTED_SECONDS);
  const digits = Math.min(eventTime.fractionDigits, FRACTION_DIGITS);
  room.putByte(DOT);
  room.put(line.view, from + QUOTED_SECONDS + 1, from + QUOTED_SECONDS + 1 + digits);
  room.put(REST_OF_TIME, digits, REST_OF_TIME.byteLength);
}

/** `"2026-01-31T09:15:00` */
const QUOTED_SECONDS = 20;
const REST_OF_TIME = wordOf('000000Z"');
const DOT = 0x2e;
