import { createHash } from 'node:crypto';
import type { SummaryRow } from '../../common/summary-row.ts';
import { timeZone } from '../../common/time-zone.ts';
import type { TimeZone } from '../../common/time-zone.ts';
import type { InsightConfig } from './config.ts';
import { fieldOf } from './fields.ts';
import type { Field, Reader, TimeField } from './fields.ts';
import type { MeasureKind } from './measure-config.ts';
import { windowsOf } from './windows.ts';
import type { Windows } from './windows.ts';

/** An insight's config, made ready to count by. */
export interface Definition {
  name: string;
  /** Of all that decides about the numbers: where it differs, numbers must not be put together. */
  hash: string;
  /** Conditions on what a transaction keeps, and on what its course decides. */
  kept: readonly Condition[];
  changing: readonly Condition[];
  groups: readonly GroupColumn[];
  time: TimeField;
  windows: Windows;
  windowMs: number;
  zone: TimeZone;
  /** What is read of a transaction; measures share them. */
  inputs: readonly Input[];
  measures: readonly Measure[];
  latenessMs: number;
  historyMs: number;
  bounds: InsightConfig['bounds'];
  outputs: InsightConfig['outputs'];
}

export interface Condition {
  field: Field;
  values: ReadonlySet<string>;
}

export interface GroupColumn {
  column: string;
  read: Reader;
  /** Whether it has few values: fields of the summary have, business keys need not. */
  few: boolean;
}

export interface Input {
  read: Reader;
  /** Digits behind the point of a number; undefined for texts. */
  scale: number | undefined;
  /** Whether its values are kept, and not only their sum. */
  values: boolean;
}

export interface Measure {
  column: string;
  kind: MeasureKind;
  /** Index of its input; undefined for the count of all transactions. */
  input: number | undefined;
  scale: number;
  at: number;
}

/** What wants every value: an extreme that leaves has a successor only among the others. */
const BY_VALUES: ReadonlySet<MeasureKind> = new Set(['min', 'max', 'distinct', 'quantile']);
const OF_TEXTS: ReadonlySet<MeasureKind> = new Set(['count', 'distinct']);

/** @param config one that was checked. */
export function definitionOf(config: InsightConfig): Definition {
  const { name, where, group_by, window, measures, lateness, history, bounds, outputs } = config;
  const conditions = Object.entries(where).map(([field, values]) => ({
    field: known(field),
    values: new Set(values),
  }));
  const zone = timeZone(window.zone);
  if (zone === undefined) throw new TypeError(`no time zone ${window.zone}`);
  return {
    name,
    hash: createHash('sha256')
      .update(JSON.stringify([where, group_by, window, measures, bounds]))
      .digest('hex')
      .slice(0, 16),
    kept: conditions.filter(({ field }) => !field.changing),
    changing: conditions.filter(({ field }) => field.changing),
    groups: group_by.map(({ field, as }) => ({
      column: as,
      read: known(field).read,
      few: !field.startsWith('key.'),
    })),
    time: window.time,
    windows: windowsOf(window.size, zone),
    windowMs: window.size,
    zone,
    ...inputsOf(measures),
    latenessMs: lateness,
    historyMs: history,
    bounds,
    outputs,
  };
}

function inputsOf(config: InsightConfig['measures']): Pick<Definition, 'inputs' | 'measures'> {
  const inputs = new Map<string, Input & { index: number }>();
  const measures = Object.entries(config).map(([column, { kind, field, at, scale }]): Measure => {
    if (field === undefined) return { column, kind, input: undefined, scale, at };
    const ofTexts = OF_TEXTS.has(kind);
    const key = JSON.stringify([field, ofTexts ? null : scale]);
    const input = inputs.get(key) ?? {
      read: known(field).read,
      scale: ofTexts ? undefined : scale,
      values: false,
      index: inputs.size,
    };
    inputs.set(key, { ...input, values: input.values || BY_VALUES.has(kind) });
    return { column, kind, input: input.index, scale, at };
  });
  return { inputs: [...inputs.values()], measures };
}

function known(name: string): Field {
  const field = fieldOf(name);
  if (field === undefined) throw new TypeError(`no field ${name}`);
  return field;
}

export function holds({ field, values }: Condition, row: SummaryRow): boolean {
  return values.has(field.read(row));
}
