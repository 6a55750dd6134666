import { guessTime } from './time.ts';

/** Names for columns that have none, from what stands in them. */

interface Kind {
  name: string;
  holds(value: string): boolean;
}

const EVERY: readonly Kind[] = [
  { name: 'ip', holds: (value) => /^(?:\d{1,3}\.){3}\d{1,3}$/.test(value) },
  { name: 'email', holds: (value) => /^[^\s@]+@[^\s@]+\.\w+$/.test(value) },
  {
    name: 'level',
    holds: (value) => /^(?:trace|debug|info|notice|warn|warning|error|fatal|severe)$/i.test(value),
  },
  {
    name: 'status',
    holds: (value) => /^(?:ok|ng|nok|success|succeeded|fail|failed|failure|error|done)$/i.test(value),
  },
  {
    name: 'step',
    holds: (value) => /^(?:send|sent|snd|hub|route|routed|recv|rcv|receive|received|SN|HB|RC)$/i.test(value),
  },
  { name: 'interface', holds: (value) => /^[A-Z]{2,8}[-_][A-Z][A-Z0-9_-]*$/.test(value) },
  { name: 'amount', holds: (value) => /^-?\d+\.\d{1,4}$/.test(value) },
];

/** @param columns the values of each column, trimmed. @returns a name for each, no two alike. */
export function nameColumns(columns: readonly (readonly string[])[]): string[] {
  const taken = new Map<string, number>();
  return columns.map((values, index) => {
    const name = nameOf(values.filter((value) => value !== '')) ?? `field_${index + 1}`;
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    return count === 1 ? name : `${name}_${count}`;
  });
}

function nameOf(values: readonly string[]): string | undefined {
  if (values.length === 0) return undefined;
  if (guessTime(values) !== undefined) return 'time';
  const kind = EVERY.find((each) => values.every((value) => each.holds(value)));
  if (kind !== undefined) return kind.name;
  // A code of one length that is all zeros more often than not tells that nothing is wrong.
  const [first = ''] = values;
  const isCode = values.every((value) => /^[A-Z]?\d{2,6}$/.test(value) && value.length === first.length);
  if (isCode && values.filter((value) => /^0+$/.test(value)).length * 2 > values.length) return 'code';
  return undefined;
}
