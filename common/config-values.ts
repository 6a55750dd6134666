import * as v from 'valibot';

/** Kinds of values that several parts' settings share. People write units; code gets one unit. */

const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const MS_OF = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration with its unit (`500ms`, `10s`, `1h30m`, `90d`) → milliseconds. */
export function duration(description: string) {
  return v.pipe(
    v.string('must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d'),
    v.regex(DURATION, 'must be a duration with its unit, like 500ms, 10s, 5m, 24h or 90d'),
    // Before the transformation: what documents the input ends there.
    v.description(description),
    v.transform(parseDuration),
  );
}

function parseDuration(text: string): number {
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    ms += Number(amount) * MS_OF[unit as keyof typeof MS_OF];
  }
  return ms;
}

const UNITS = [
  ['d', MS_OF.d],
  ['h', MS_OF.h],
  ['m', MS_OF.m],
  ['s', MS_OF.s],
  ['ms', MS_OF.ms],
] as const;

/** Milliseconds as a duration is written: `1h30m`; `0s` for none. */
export function durationText(ms: number): string {
  let rest = ms;
  let text = '';
  for (const [unit, size] of UNITS) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text || '0s';
}

const BYTE_SIZE = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)$/;
const BYTES_OF = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** A size with its unit (`512B`, `64KiB`, `16MiB`, `2GiB`) → bytes. */
export function byteSize(description: string) {
  return v.pipe(
    v.string('must be a size with its unit, like 64KiB or 16MiB'),
    v.regex(BYTE_SIZE, 'must be a size with its unit, like 64KiB or 16MiB'),
    v.description(description),
    v.transform((text) => {
      const [, amount, unit] = BYTE_SIZE.exec(text) ?? [];
      return Math.floor(Number(amount) * BYTES_OF[unit as keyof typeof BYTES_OF]);
    }),
  );
}

/** A name that users give to a part (an input, a sink): also used in keys and file names, so its letters are few. */
export function partName(description: string) {
  return v.pipe(
    v.string('must be a text'),
    v.regex(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
      'must be 1 to 64 letters, digits, - or _, starting with a letter or digit',
    ),
    v.description(description),
  );
}

/** A TCP port; 0 lets the system choose a free one. */
export function port(description: string) {
  return v.pipe(
    v.number('must be a port number'),
    v.integer('must be a port number'),
    v.minValue(0, 'must be 0 to 65535'),
    v.maxValue(65_535, 'must be 0 to 65535'),
    v.description(description),
  );
}

/** A whole number between bounds, both included. */
export function wholeNumber(min: number, max: number, description: string) {
  const words = `must be a whole number from ${min} to ${max}`;
  return v.pipe(
    v.number(words),
    v.safeInteger(words),
    v.minValue(min, words),
    v.maxValue(max, words),
    v.description(description),
  );
}

/** Where a role serves what it tells about itself. */
export function adminConfigSchema() {
  return v.optional(
    v.strictObject({
      host: v.optional(
        v.pipe(
          v.string('must be a text'),
          v.description('Address that /metrics, /healthz and /readyz are served on.'),
        ),
        '127.0.0.1',
      ),
      port: v.optional(port('Port of the same; 0 picks a free one and says which.'), 0),
    }),
    {},
  );
}

/** Refuses a list whose parts share a name: `key` is what they are named by. The mistake is shown at the later one. */
export const unique = <K extends string, T extends Record<K, string>>(key: K) =>
  v.rawCheck<T[]>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const seen = new Set<string>();
    dataset.value.forEach((part, index) => {
      const name = part[key];
      if (seen.has(name))
        addIssue({ message: `is used twice: ${name}`, path: pathTo(dataset.value, index, key) });
      seen.add(name);
    });
  });

/** The path of a mistake that stands deeper in what a check was given. */
export function pathTo(
  root: unknown,
  ...keys: [string | number, ...(string | number)[]]
): [v.IssuePathItem, ...v.IssuePathItem[]] {
  let input = root;
  const items = keys.map((key) => {
    const value = (input as Record<string | number, unknown> | undefined)?.[key];
    const item = { type: 'unknown', origin: 'value', input, key, value } as const;
    input = value;
    return item;
  });
  return items as [v.IssuePathItem, ...v.IssuePathItem[]];
}
