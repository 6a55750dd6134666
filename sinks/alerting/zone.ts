import * as v from 'valibot';

/** A named time zone of the config. */
export function zoneName(description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.check(isZone, 'must be the name of a time zone, like Asia/Seoul or UTC'),
    v.description(description),
  );
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
