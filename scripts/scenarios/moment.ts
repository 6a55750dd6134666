import * as v from 'valibot';
import { duration } from '../../common/config-values.ts';
import { canonicalTimestamp, timestampFromMicros } from '../../common/timestamp.ts';

/**
 * The moment at which a scenario begins, ms since 1970: 2026-01-01T00:00:00Z. Its first log is collected then. It is always the
 * same one, so that a scenario gives the same next year.
 */
export const BEGINNING = Date.UTC(2026, 0, 1);

/** Longer waits than ten years are a slip of the pen. */
const DAYS_MAX = 3650;

/** How long after the beginning something happens → milliseconds. */
export function sinceBeginning(description: string) {
  return v.pipe(duration(description), v.maxValue(DAYS_MAX * 86_400_000, `must be at most ${DAYS_MAX}d`));
}

const plainDuration = duration('');

/**
 * `5s` or `-5s`: that long after or before the beginning, as canonical text. Undefined if it is no duration, or one that leads out
 * of the years 1900 to 2299.
 */
export function relativeMoment(text: string): string | undefined {
  const { success, output } = v.safeParse(plainDuration, text.replace(/^-/, ''));
  if (!success) return undefined;
  return timestampFromMicros((BEGINNING + (text.startsWith('-') ? -output : output)) * 1000);
}

/** A time as it is expected: RFC 3339, or counted from the beginning → canonical text. */
export function moment(description: string) {
  return v.pipe(
    v.string('must be a time as text, or a duration since the first log was collected'),
    v.description(description),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const time = relativeMoment(dataset.value) ?? canonicalTimestamp(dataset.value);
      if (time !== undefined) return time;
      addIssue({
        message:
          'is neither an RFC 3339 time with its zone, like "2026-01-01T09:00:05+09:00", nor a duration since the first log was collected, like 5s',
      });
      return NEVER;
    }),
  );
}
