import { compileTimePattern } from '../../common/time-pattern.ts';
import { timeZone } from '../../common/time-zone.ts';

/** How the times of a field are written. */
export interface TimeGuess {
  /** For `time:` of a rule. */
  patterns: string[];
  /** Whether they say their own zone. */
  hasZone: boolean;
}

/** `~` stands for a fraction of a second with its sign, if there is one. */
const SHAPES = [
  'yyyy-MM-dd HH:mm:ss~',
  "yyyy-MM-dd'T'HH:mm:ss~",
  'yyyy/MM/dd HH:mm:ss~',
  'yyyy.MM.dd HH:mm:ss~',
  'yyyyMMddHHmmss~',
  'yyyyMMdd HHmmss~',
  'yyyyMMdd HH:mm:ss~',
  "yyyyMMdd'T'HHmmss~",
  'dd MMM yyyy HH:mm:ss~',
  'd MMM yyyy HH:mm:ss~',
  'dd-MMM-yyyy HH:mm:ss~',
  'dd/MMM/yyyy:HH:mm:ss~',
  'MMM d HH:mm:ss~',
  'MMM d yyyy HH:mm:ss~',
  'MMM d, yyyy HH:mm:ss~',
  'MM/dd/yyyy HH:mm:ss~',
  'dd/MM/yyyy HH:mm:ss~',
  'dd.MM.yyyy HH:mm:ss~',
  'dd-MM-yyyy HH:mm:ss~',
  'yy/MM/dd HH:mm:ss~',
  'yy-MM-dd HH:mm:ss~',
  'yyyy-MM-dd HH:mm',
  'yyyyMMddHHmm',
  'yyyy-MM-dd hh:mm:ss a',
  'yyyy-MM-dd a hh:mm:ss',
  'MM/dd/yyyy hh:mm:ss a',
] as const;
const OFFSETS = ['', 'XXX', ' XXX'] as const;
/** A field whose times have fractions of more lengths than this is none. */
const PATTERNS_MAX = 4;
const UTC = timeZone('UTC');
/** Years without one are looked at in a leap year. */
const NEAR = Date.UTC(2024, 0, 31);
const YEARS = { from: '1990', to: '2100' };

/** The patterns that read all of the texts; undefined if none do. @param texts those that are not empty, trimmed. */
export function guessTime(texts: readonly string[]): TimeGuess | undefined {
  if (texts.length === 0 || texts.some((text) => text.length < 8 || text.length > 40)) return undefined;
  if (texts.every((text) => fits('rfc3339', text))) return { patterns: ['rfc3339'], hasZone: true };
  for (const shape of SHAPES) {
    for (const offset of OFFSETS) {
      const patterns = [...new Set(texts.map((text) => withFraction(shape, text) + offset))];
      const isRead =
        patterns.length <= PATTERNS_MAX && texts.every((text) => patterns.some((p) => fits(p, text)));
      if (isRead) return { patterns: patterns.sort((a, b) => b.length - a.length), hasZone: offset !== '' };
    }
  }
  return guessEpoch(texts);
}

const EPOCHS = [
  { pattern: 'epoch_s', digits: /^\d{10}(?:\.\d{1,9})?$/ },
  { pattern: 'epoch_ms', digits: /^\d{13}(?:\.\d{1,6})?$/ },
  { pattern: 'epoch_us', digits: /^\d{16}$/ },
];

function guessEpoch(texts: readonly string[]): TimeGuess | undefined {
  const found = EPOCHS.find(({ pattern, digits }) =>
    texts.every((text) => digits.test(text) && fits(pattern, text)),
  );
  return found === undefined ? undefined : { patterns: [found.pattern], hasZone: true };
}

function fits(pattern: string, text: string): boolean {
  if (UTC === undefined) return false;
  const time = compileTimePattern(pattern, UTC).parse(text, NEAR);
  return time !== undefined && time >= YEARS.from && time < YEARS.to;
}

/** The fraction that the text has: behind a sign, or, where nothing stands between digits, what is more than 14 of them. */
function withFraction(shape: string, text: string): string {
  const digits = /^\d{14}(\d{1,9})$/.exec(text)?.[1]?.length;
  if (digits !== undefined) return shape.replace('~', 'S'.repeat(digits));
  const [, sign = '', fraction = ''] = /:\d\d([.,])(\d{1,9})/.exec(text) ?? [];
  return shape.replace('~', sign + 'S'.repeat(fraction.length));
}
