/**
 * Exact decimals: whole numbers of 10^-scale as BigInt. A sum of floats depends on the order in which they come, so that a repetition
 * could give another number.
 */

/** Digits before the point that a value may have. With at most 9 behind it, 10^11 of them add up within a Decimal(38). */
export const WHOLE_DIGITS_MAX = 18;
export const SCALE_MAX = 9;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;

/** The number that a text spells, in units of 10^-scale; undefined if it is none, is too large or has more digits than the scale. */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const m = DECIMAL.exec(text.trim());
  if (m === null) return undefined;
  const whole = (m[2] ?? '').replace(/^0+(?=\d)/, '');
  const fraction = (m[3] ?? '').replace(/0+$/, '');
  if (whole.length > WHOLE_DIGITS_MAX || fraction.length > scale) return undefined;
  const value = BigInt(whole + fraction.padEnd(scale, '0'));
  return m[1] === '-' ? -value : value;
}

/** `12.50`: always as many digits behind the point as the scale says. */
export function formatDecimal(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Halves away from zero. @param by above 0. */
export function divideRounded(value: bigint, by: bigint): bigint {
  const half = value < 0n ? -by : by;
  return (2n * value + half) / (2n * by);
}
