import { compileTimePattern } from '../common/time-pattern.ts';
import { timeZone } from '../common/time-zone.ts';
import type { Rule } from './mapping-rule.ts';
import { textOf } from './mapping-value.ts';
import { quoted } from './quoted.ts';
import { factorOf, isSameKind, unitOf } from './units.ts';

/** What a rule makes of the value that it found, step by step; a rule that does not ask for a step has none of it. */

/** The value, or why the one that was found is of no use. @param ingestMillis when the record was taken. */
export type Step = (value: unknown, ingestMillis: number) => { value: unknown } | { problem: string };

/** Fields of the standard log that are numbers: texts that look like one are taken as one. */
const NUMBERS = new Set(['attempt', 'duration_ms', 'message_size', 'record_count']);

/** In the order in which they are gone. @param target the field of the standard log. */
export function stepsOf(rule: Rule, target: string): Step[] {
  const wantsNumber = rule.decimal !== undefined || rule.unit !== undefined || rule.multiply !== undefined;
  return [
    ...(rule.values === undefined ? [] : [tableStep(rule.values, rule.default)]),
    ...(wantsNumber ? [numberStep(rule)] : []),
    ...(rule.time === undefined ? [] : [timeStep(rule.time, rule.zone)]),
    lastStep(target),
  ];
}

/** A payload that is an object is kept as JSON; of any other field a text is expected. */
function lastStep(target: string): Step {
  if (NUMBERS.has(target)) return toNumber;
  return target === 'payload' ? (value) => ({ value: textOf(value) }) : toScalar;
}

function tableStep(values: NonNullable<Rule['values']>, otherwise: Rule['default']): Step {
  const table = new Map(Object.entries(values));
  return (value) => {
    const found = table.get(textOf(value)) ?? otherwise;
    return found === undefined
      ? { problem: `the value table has no entry for ${quoted(textOf(value))} and there is no default` }
      : { value: found };
  };
}

function timeStep(time: NonNullable<Rule['time']>, zoneName = 'UTC'): Step {
  const zone = timeZone(zoneName);
  if (zone === undefined) throw new TypeError(`${zoneName} is not a time zone`);
  const names = [time].flat();
  const patterns = names.map((name) => compileTimePattern(name, zone));
  return (value, ingestMillis) => {
    const text = textOf(value).trim();
    for (const pattern of patterns) {
      const found = pattern.parse(text, ingestMillis);
      if (found !== undefined) return { value: found };
    }
    return { problem: `${quoted(text)} is not a time of the pattern ${names.join(' or ')}` };
  };
}

function numberStep({ decimal = '.', unit, multiply = 1 }: Rule): Step {
  return (value) => {
    const text = textOf(value).trim();
    const parts = /^([+-]?[\d.,' \u00A0]*\d(?:[eE][+-]?\d{1,3})?)\s*([a-zA-Zµμ]*)$/.exec(text);
    const number = typeof value === 'number' ? value : plainNumber(parts?.[1] ?? '', decimal);
    const written = parts?.[2] ?? '';
    const own = written === '' ? unit : unitOf(written);
    const fits = unit === undefined ? written === '' : own !== undefined && isSameKind(own, unit);
    if (number === undefined || !fits) {
      return { problem: `${quoted(text)} is not a number${unit === undefined ? '' : ` of ${unit}`}` };
    }
    const factor = multiply * (own === undefined ? 1 : factorOf(own));
    // 15 digits: 0.07 s are 70 ms, not 70.00000000000001.
    return { value: factor === 1 ? number : Number((number * factor).toPrecision(15)) };
  };
}

/** The number of a text with a sign before its fraction, and others between its thousands. */
function plainNumber(text: string, decimal: '.' | ','): number | undefined {
  const [whole = '', fraction, ...more] = text.split(decimal);
  const grouped = /^[+-]?\d{1,3}([.,' \u00A0])\d{3}(?:\1\d{3})*$/.test(whole);
  const digits = grouped ? whole.replaceAll(/[.,' \u00A0]/g, '') : whole;
  const plain = fraction === undefined ? digits : `${digits}.${fraction}`;
  return more.length === 0 && NUMBER.test(plain) ? Number(plain) : undefined;
}

const NUMBER = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

const toScalar: Step = (value) => ({
  value: typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
});

const toNumber: Step = (value) => {
  if (typeof value === 'number') return { value };
  const text = textOf(value).trim();
  return NUMBER.test(text) ? { value: Number(text) } : { problem: `${quoted(text)} is not a number` };
};
