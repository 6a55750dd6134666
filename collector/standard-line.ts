import { isUtf8 } from 'node:buffer';
import { LOG_COLUMNS } from '../common/log-row.ts';
import type { StandardRow } from './outcome.ts';
import { COMMA, CLOSED, COLON, OPENED, PlainBytes } from './plain-bytes.ts';
import { RowRoom } from './row-room.ts';
import { areSame, createTextCache } from './text-cache.ts';
import { crcOfBytes } from '../common/partition.ts';
import { canonicalTimestamp, isCanonicalAt, timestampFromMillis } from '../common/timestamp.ts';
import { LIMITS, STATUSES } from '../common/tracking-log.ts';
import type { TrackingLogField } from '../common/tracking-log.ts';

/**
 * The short way of a record that is a standard log already, as one JSON object: from its bytes to those of its row in one pass, with
 * values taken over as they are written; no text is made of them. It takes what is plain and certain, which is nearly everything; of
 * whatever is not (escapes, long texts, numbers in odd forms, fields that it does not know, anything wrong) it says nothing, and the
 * record goes the whole way through JSON.parse and the schema, which then gives the log or the reasons. A property test holds the two to
 * the same result.
 *
 * @param eventId called only if the log has no id of its own.
 */
export type ReadStandardLine = (
  record: Buffer,
  eventId: () => string,
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
    line.open(record);
    const given = readCells();
    if ((given & REQUIRED) !== REQUIRED || !(line.isAscii || isUtf8(record))) return undefined;
    const ingestTime = timestampFromMillis(ingestMillis);
    // Thousands of logs are stamped within one millisecond.
    if (stamped.time !== ingestTime)
      stamped = { time: ingestTime, bytes: Buffer.from(`"${ingestTime}",${said}`) };
    const id = (given & (1 << EVENT_ID)) === 0 ? JSON.stringify(eventId()) : undefined;
    const crc = crcOfBytes(record, (starts[TRANSACTION_ID] ?? 0) + 1, (ends[TRANSACTION_ID] ?? 0) - 1);
    const room = rooms[(crc % partitions) % rooms.length] ?? new RowRoom();
    room.begin(
      record.length + stamped.bytes.length + (id?.length ?? 0) * UTF8_BYTES_MAX + MADE_BYTES_MAX,
      ingestMillis,
    );
    writeCells(room, record, stamped.bytes, id);
    room.end();
    const [from, to] = [starts[INTERFACE_ID] ?? ABSENT, ends[INTERFACE_ID] ?? ABSENT];
    return {
      room: room.bytes,
      from: room.from,
      to: room.to,
      crc,
      interface_id: from === ABSENT ? '' : interfaces(record, from + 1, to - 1),
      ingest_time: ingestTime,
      input: stamp.input,
    };
  };
}

const columnOf = (field: TrackingLogField) => (LOG_COLUMNS as readonly string[]).indexOf(field);
const TRANSACTION_ID = columnOf('transaction_id');
const INTERFACE_ID = columnOf('interface_id');
const EVENT_ID = columnOf('event_id');
const EVENT_TIME = columnOf('event_time');
const INGEST_TIME = columnOf('ingest_time');
const INPUT = columnOf('input');
const REQUIRED =
  (1 << TRANSACTION_ID) | (1 << columnOf('step')) | (1 << columnOf('status')) | (1 << EVENT_TIME);

/** Of more partitions some share theirs: they are taken for each input. */
const ROOMS_MAX = 16;
/** A character that JavaScript counts once has at most so many bytes. */
const UTF8_BYTES_MAX = 3;
/** Of what is written besides: brackets, commas, absent values, and a time that is longer than it was given. */
const MADE_BYTES_MAX = 256;

/** The record that is being read, and where the values of its columns stand in it: one of each for all, since every log needs them for a moment. */
const line = new PlainBytes(Buffer.alloc(0));
const starts = new Int32Array(LOG_COLUMNS.length);
const ends = new Int32Array(LOG_COLUMNS.length);
/** Its event time, if that must be written otherwise than it stands there. */
let eventTime: string | undefined;

/** In `starts`, of a column that the log does not have. */
const ABSENT = -1;
const NULL = Buffer.from('null');
/** What stands in a row for what is absent, by columns. */
const DEFAULTS = LOG_COLUMNS.map((column) =>
  column === 'branch' ? Buffer.from('""') : column === 'attempt' ? Buffer.from('1') : NULL,
);

/** @param stamp what the collector says in the columns from the ingest time to the input. @param id the event's, in quotes, if the record does not say it. */
function writeCells(room: RowRoom, record: Uint8Array, stamp: Uint8Array, id: string | undefined): void {
  let last = LOG_COLUMNS.length - 1;
  while (last > INPUT && starts[last] === ABSENT) last -= 1;
  room.putByte(0x5b);
  for (let column = 0; column <= last; column += 1) {
    if (column > 0) room.putByte(COMMA);
    const from = starts[column] ?? ABSENT;
    if (column === INGEST_TIME) {
      room.put(stamp, 0, stamp.length);
      column = INPUT;
    } else if (column === EVENT_ID && id !== undefined) {
      room.putText(id);
    } else if (column === EVENT_TIME && eventTime !== undefined) {
      room.putText(eventTime);
    } else if (from === ABSENT) {
      const value = DEFAULTS[column] ?? NULL;
      room.put(value, 0, value.length);
    } else {
      room.put(record, from, ends[column] ?? from);
    }
  }
  room.putByte(0x5d);
}

/** What stands next: `given` is a value for the row, `absent` null or an empty text, and `unclear` what is not plain and certain. */
type Found = 'given' | 'absent' | 'unclear';
type ReadValue = () => Found;

/** Finds the values of the object. Gives the columns that it has, as bits; 0 unless all of it is plain and certain. */
function readCells(): number {
  starts.fill(ABSENT);
  eventTime = undefined;
  let named = 0;
  let given = 0;
  let place = 0;
  if (!line.passes(OPENED)) return 0;
  do {
    const field = readField(place);
    // Of a field that is there twice it is not for this way to say which counts.
    if (field === undefined || (named & field.bit) !== 0 || !line.passes(COLON)) return 0;
    named |= field.bit;
    place += 1;
    const found = field.read();
    if (found === 'unclear') return 0;
    if (found === 'given') {
      given |= field.bit;
      starts[field.column] = line.from;
      ends[field.column] = line.at;
    }
  } while (line.passes(COMMA));
  return line.passes(CLOSED) && line.isAtEnd() ? given : 0;
}

/** The field whose name begins here. @param place how many fields come before it. */
function readField(place: number): Field | undefined {
  // Logs of one source have their fields in one order: what stood here in the last one is looked for first.
  const likely = lastOrder[place];
  if (likely !== undefined && line.passesWord(likely.name)) return likely;
  if (!line.passesText(NAME_MAX)) return undefined;
  const field = FIELDS.find(({ name }) => line.says(name));
  if (field !== undefined) lastOrder[place] = field;
  return field;
}

const lastOrder: Field[] = [];

/** A text of so many bytes at most. */
function readText(bytesMax: number): ReadValue {
  return () => {
    if (!line.passesText(bytesMax)) return readNull();
    // An empty text counts as absent.
    return line.at - line.from === 2 ? 'absent' : 'given';
  };
}

function readNull(): Found {
  return line.passesWord(NULL) ? 'absent' : 'unclear';
}

const readName = readText(LIMITS.nameBytesMax);

function readStatus(): Found {
  return line.passesText(LIMITS.nameBytesMax) && QUOTED_STATUSES.some((status) => line.says(status))
    ? 'given'
    : 'unclear';
}

const QUOTED_STATUSES = STATUSES.map((status) => Buffer.from(`"${status}"`));

function readTime(): Found {
  if (!line.passesText(LIMITS.nameBytesMax)) return 'unclear';
  if (isCanonicalAt(line.bytes, line.from + 1, line.at - 1)) return 'given';
  const time = canonicalTimestamp(line.text());
  if (time === undefined) return 'unclear';
  eventTime = `"${time}"`;
  return 'given';
}

/** A whole number of so many digits at most, which are certain to be kept. @param least the smallest that is taken: 0 or 1. */
function readCount(digitsMax: number, least: 0 | 1): ReadValue {
  return () => {
    if (!line.passesNumber(digitsMax, 0)) return readNull();
    return least === 1 && line.says(ZERO) ? 'unclear' : 'given';
  };
}

const ZERO = Buffer.from('0');

function readDuration(): Found {
  return line.passesNumber(12, 6) ? 'given' : readNull();
}

/** An object of texts, taken over as it is. */
function readMap(): Found {
  if (!line.passes(OPENED)) return readNull();
  const { from } = line;
  if (!line.passes(CLOSED)) {
    let keys = 0;
    do {
      if (!line.passesText(LIMITS.mapKeyBytesMax) || keys === LIMITS.mapEntriesMax || !isCertainKey(keys))
        return 'unclear';
      keys += 1;
      if (!line.passes(COLON) || !line.passesText(LIMITS.mapValueBytesMax)) return 'unclear';
    } while (line.passes(COMMA));
    if (!line.passes(CLOSED)) return 'unclear';
  }
  line.join(from);
  return 'given';
}

/** Whether the text that was passed is no key that is refused, or known by no name, or there twice: which of them counts is not for this way to say. */
function isCertainKey(keysBefore: number): boolean {
  const { bytes, from, at } = line;
  if (UNCERTAIN_KEYS.some((key) => line.says(key))) return false;
  for (let i = 0; i < keysBefore; i += 1)
    if (areSame(bytes, keyStarts[i] ?? 0, keyEnds[i] ?? 0, bytes, from, at)) return false;
  keyStarts[keysBefore] = from;
  keyEnds[keysBefore] = at;
  return true;
}

/** Those of the map that is being read. */
const keyStarts = new Int32Array(LIMITS.mapEntriesMax);
const keyEnds = new Int32Array(LIMITS.mapEntriesMax);
const UNCERTAIN_KEYS = ['""', '"__proto__"', '"prototype"', '"constructor"'].map((key) => Buffer.from(key));

const NAME_MAX = Math.max(...LOG_COLUMNS.map((name) => name.length));

/** Fields that are no names. What a collector sets itself is not here: whatever a log says of it is dropped on the whole way. */
const READERS: Partial<Record<TrackingLogField, ReadValue>> = {
  event_id: readText(LIMITS.eventIdBytesMax),
  status: readStatus,
  event_time: readTime,
  attempt: readCount(6, 1),
  duration_ms: readDuration,
  message_size: readCount(15, 0),
  record_count: readCount(15, 0),
  error_message: readText(LIMITS.errorMessageBytesMax),
  business_keys: readMap,
  attributes: readMap,
  payload: readText(LIMITS.payloadBytesMax),
};
const SET_BY_COLLECTOR: ReadonlySet<string> = new Set(['ingest_time', 'channel', 'input']);

interface Field {
  /** In quotes. */
  name: Uint8Array;
  column: number;
  /** Of its own: which fields were given. */
  bit: number;
  read: ReadValue;
}

const FIELDS: readonly Field[] = LOG_COLUMNS.flatMap((column, at) =>
  SET_BY_COLLECTOR.has(column)
    ? []
    : [{ name: Buffer.from(`"${column}"`), column: at, bit: 1 << at, read: READERS[column] ?? readName }],
);
