import { isUtf8 } from 'node:buffer';
import { oneLine, table } from '../table.ts';
import { zonedTime } from '../../common/zoned-time.ts';
import type { LetterCount, StoredLetter } from './letters.ts';

/** Dead letters as a person reads them. */

const REASON_WIDTH = 80;
/** So much of the raw bytes is shown; `--raw` gives all. */
const RAW_SHOWN = 4096;
const HEX_ROW = 16;

export function formatCounts(counts: readonly LetterCount[], zone: string): string {
  const time = zonedTime(zone);
  return table(
    ['letters', 'input', 'stage', 'newest', 'reason'],
    counts.map(({ letters, input, stage, newest, reason }) => [
      String(letters),
      input,
      stage,
      time(newest),
      cut(reason),
    ]),
  );
}

export function formatLetters(letters: readonly StoredLetter[], zone: string): string {
  const time = zonedTime(zone);
  return table(
    ['refused', 'input', 'stage', 'resolution', 'id', 'reason'],
    letters.map(({ ingest_time, input, stage, resolution, event_id, reason }) => [
      time(ingest_time),
      input,
      stage,
      resolution,
      event_id,
      cut(reason),
    ]),
  );
}

export function formatLetter(letter: StoredLetter, zone: string): string {
  const raw = Buffer.from(letter.raw_base64, 'base64');
  const head: [string, string][] = [
    ['id', letter.event_id],
    ['input', `${letter.input || '(none)'}${letter.channel === '' ? '' : ` (${letter.channel})`}`],
    ['stage', letter.stage],
    ['reason', letter.reason],
    ['refused', zonedTime(zone)(letter.ingest_time)],
    ['resolution', letter.resolution || 'open'],
    ...Object.entries(letter.meta),
    [
      'raw',
      `${raw.length} bytes${raw.length > RAW_SHOWN ? `, the first ${RAW_SHOWN} shown; --raw gives all` : ''}`,
    ],
  ];
  const width = Math.max(...head.map(([title]) => title.length));
  return [...head.map(([title, text]) => `${title.padEnd(width)}  ${oneLine(text)}`), '', rawText(raw)].join(
    '\n',
  );
}

function rawText(raw: Buffer): string {
  // A character that the cut goes through would make text look like none.
  if (isUtf8(raw)) return raw.toString().slice(0, RAW_SHOWN).split('\n').map(oneLine).join('\n');
  const rows: string[] = [];
  for (let at = 0; at < Math.min(raw.length, RAW_SHOWN); at += HEX_ROW) {
    const row = raw.subarray(at, at + HEX_ROW);
    const hex = row.toString('hex').replace(/..(?=.)/g, '$& ');
    const text = row.toString('latin1').replace(/[^\u0020-\u007E]/g, '.');
    rows.push(`${at.toString(16).padStart(8, '0')}  ${hex.padEnd(HEX_ROW * 3)} ${text}`);
  }
  return rows.join('\n');
}

function cut(text: string): string {
  return text.length > REASON_WIDTH ? `${text.slice(0, REASON_WIDTH - 1)}…` : text;
}
