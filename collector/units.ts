/** Units of numbers in logs. */

/** By unit: how many milliseconds, or bytes, it is. */
const FACTORS = {
  ns: 1e-6,
  us: 1e-3,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  B: 1,
  kB: 1000,
  KiB: 1024,
  MB: 1e6,
  MiB: 1024 ** 2,
  GB: 1e9,
  GiB: 1024 ** 3,
} as const;
export type Unit = keyof typeof FACTORS;

/** As units are written, too. */
const SPELLINGS: Readonly<Record<string, Unit>> = {
  µs: 'us',
  μs: 'us',
  sec: 's',
  m: 'min',
  hr: 'h',
  b: 'B',
  KB: 'kB',
  K: 'KiB',
  M: 'MiB',
  G: 'GiB',
};

export const UNITS = Object.keys(FACTORS) as Unit[];

/** How many milliseconds, or bytes, one is. */
export function factorOf(unit: Unit): number {
  return FACTORS[unit];
}

/** Whether both are units of time, or both of size. */
export function isSameKind(one: Unit, other: Unit): boolean {
  return one.endsWith('B') === other.endsWith('B');
}

/** The unit that a text names, however it spells it. */
export function unitOf(written: string): Unit | undefined {
  if (Object.hasOwn(FACTORS, written)) return written as Unit;
  return Object.hasOwn(SPELLINGS, written) ? SPELLINGS[written] : undefined;
}
