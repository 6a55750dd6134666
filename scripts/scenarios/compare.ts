import type { Summary, SummaryStep } from '../../common/summary.ts';
import type { Look } from './expectation.ts';

/** Where a summary is not as expected. */
export interface Difference {
  /** `status`, `business_keys.order_no`, `steps.receive/wms.status`. */
  field: string;
  expected: string;
  found: string;
}

type Value = string | number | boolean | null | undefined;

/** What differs from the expectation, as far as that says something. */
export function compareWith(look: Look, summary: Summary): Difference[] {
  const { at: _, steps = [], business_keys: keys = {}, ...fields } = look;
  return [
    ...Object.entries(fields).flatMap(([field, expected]) =>
      compare(field, expected, summary[field as keyof typeof fields]),
    ),
    ...Object.entries(keys).flatMap(([key, expected]) =>
      compare(
        `business_keys.${key}`,
        expected,
        Object.hasOwn(summary.business_keys, key) ? summary.business_keys[key] : null,
      ),
    ),
    ...steps.flatMap((step) => compareStep(step, summary.steps)),
  ];
}

function compareStep(
  { step, branch, ...fields }: NonNullable<Look['steps']>[number],
  steps: readonly SummaryStep[],
): Difference[] {
  const name = `steps.${branch === '' ? step : `${step}/${branch}`}`;
  const found = steps.find((other) => other.step === step && other.branch === branch);
  if (found === undefined) return [{ field: name, expected: 'a log of it', found: 'none' }];
  return Object.entries(fields).flatMap(([field, expected]) =>
    compare(`${name}.${field}`, expected, found[field as keyof typeof fields]),
  );
}

function compare(field: string, expected: Value, found: Value): Difference[] {
  const [wanted, got] = [known(expected), known(found)];
  return wanted === got ? [] : [{ field, expected: show(wanted), found: show(got) }];
}

/** Summaries say '' for a text that is not known, and null for the rest. */
function known(value: Value): Value {
  return value === '' || value === undefined ? null : value;
}

function show(value: Value): string {
  return value === null ? 'not known' : String(value);
}
