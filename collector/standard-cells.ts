import { isUtf8 } from 'node:buffer';
import { LOG_COLUMNS } from '../common/log-row.ts';
import { canonicalTimestamp, NO_UTC, utcFractionAt } from '../common/timestamp.ts';
import { LIMITS, STATUSES } from '../common/tracking-log.ts';
import type { TrackingLogField } from '../common/tracking-log.ts';
import { CLOSED, COLON, COMMA, OPENED, PlainBytes } from './plain-bytes.ts';
import { areSame } from './text-cache.ts';
import { wordOf } from './words.ts';

/** Where the values of a standard log stand in its record. */

/** Of the record that was read last, since every one is needed for a moment only. */
export const line = new PlainBytes();
/** By columns (common/log-row.ts). */
export const starts = new Int32Array(LOG_COLUMNS.length);
export const ends = new Int32Array(LOG_COLUMNS.length);
/** Its event time: how many digits of fraction it has, or, if it must be written otherwise for more than these, what it is. */
export const eventTime: { fractionDigits: number; computed: string | undefined } = {
  fractionDigits: 0,
  computed: undefined,
};

/** In `starts`, of a column that the log does not have. */
export const ABSENT = -1;

/** What stands in a row for what is absent. */
export const NULL = wordOf('null');

export function columnOf(field: TrackingLogField): number {
  return (LOG_COLUMNS as readonly string[]).indexOf(field);
}

const REQUIRED = (['transaction_id', 'step', 'status', 'event_time'] as const).reduce(
  (bits, field) => bits | (1 << columnOf(field)),
  0,
);

/** What stands next: `given` is a value for the row, `absent` null or an empty text, and `unclear` what is not plain and certain. */
type Found = 'given' | 'absent' | 'unclear';
type ReadValue = () => Found;

/** Finds the values of a record. Says whether it is a standard log, and all of it plain and certain. */
export function readCells(record: Buffer): boolean {
  line.open(record);
  starts.fill(ABSENT);
  eventTime.computed = undefined;
  return (readObject() & REQUIRED) === REQUIRED && (line.isAscii || isUtf8(record));
}

/** Gives the columns that there are, as bits; 0 unless all of it is plain and certain. */
function readObject(): number {
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

const QUOTED_STATUSES = STATUSES.map((status) => wordOf(`"${status}"`));

function readTime(): Found {
  if (!line.passesText(LIMITS.nameBytesMax)) return 'unclear';
  eventTime.fractionDigits = utcFractionAt(line.bytes, line.from + 1, line.at - 1);
  if (eventTime.fractionDigits !== NO_UTC) return 'given';
  eventTime.computed = canonicalTimestamp(line.text());
  return eventTime.computed === undefined ? 'unclear' : 'given';
}

/** A whole number of so many digits at most, which are certain to be kept. @param least the smallest that is taken: 0 or 1. */
function readCount(digitsMax: number, least: 0 | 1): ReadValue {
  return () => {
    if (!line.passesNumber(digitsMax, 0)) return readNull();
    return least === 1 && line.says(ZERO) ? 'unclear' : 'given';
  };
}

const ZERO = wordOf('0');

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
const UNCERTAIN_KEYS = ['""', '"__proto__"', '"prototype"', '"constructor"'].map(wordOf);

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
  name: DataView;
  column: number;
  /** Of its own: which fields were given. */
  bit: number;
  read: ReadValue;
}

const FIELDS: readonly Field[] = LOG_COLUMNS.flatMap((column, at) =>
  SET_BY_COLLECTOR.has(column)
    ? []
    : [{ name: wordOf(`"${column}"`), column: at, bit: 1 << at, read: READERS[column] ?? readName }],
);
