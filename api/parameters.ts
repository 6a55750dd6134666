import * as v from 'valibot';
import { canonicalTimestamp } from '../common/timestamp.ts';
import { ID_CHARACTERS_MAX } from './position.ts';
import { badParameters } from './problem.ts';
import type { ParameterIssue } from './problem.ts';
import { TRANSACTION_STATUSES } from './summary-schema.ts';

/** The parameters of every resource: one schema checks them and documents them. */

/** Business keys are asked for as `key.NAME=value`: under this name they are one parameter of the schema. */
export const KEYS = 'keys';
const KEY_PREFIX = 'key.';

const LIST_MAX = 100;
const VALUES_MAX = 20;
const TEXT_MAX = 1024;

const textUpTo = (max: number) =>
  v.pipe(
    v.string('must be a text'),
    v.nonEmpty('must not be empty'),
    v.maxLength(max, `must have at most ${max} characters`),
  );
const text = textUpTo(TEXT_MAX);
const several = <T extends v.GenericSchema>(schema: T, description: string) =>
  v.exactOptional(
    v.pipe(
      v.array(schema),
      v.maxLength(VALUES_MAX, `may be given ${VALUES_MAX} times at most`),
      v.description(description),
    ),
  );
const time = (description: string) =>
  v.exactOptional(
    v.pipe(
      v.string('must be a time'),
      v.description(`${description} An RFC 3339 time with its zone; a + in it is written %2B.`),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        const canonical = canonicalTimestamp(dataset.value);
        if (canonical !== undefined) return canonical;
        addIssue({
          message: 'must be an RFC 3339 time with its zone, like 2026-01-31T09:15:00Z (a + is written %2B)',
        });
        return NEVER;
      }),
    ),
  );
const limit = (max: number) =>
  v.optional(
    v.pipe(
      v.number(`must be a whole number from 1 to ${max}`),
      v.integer(`must be a whole number from 1 to ${max}`),
      v.minValue(1, `must be a whole number from 1 to ${max}`),
      v.maxValue(max, `must be a whole number from 1 to ${max}`),
      v.description(`How many at most; ${LIST_MAX} if not given.`),
    ),
    LIST_MAX,
  );
const cursor = v.exactOptional(
  v.pipe(text, v.description('`next_cursor` of the page before; all other parameters as they were then.')),
);

const filterEntries = {
  interface: several(text, 'Only of this interface; given several times: of any of them.'),
  status: several(
    v.picklist(TRANSACTION_STATUSES, `must be one of ${TRANSACTION_STATUSES.join(', ')}`),
    'Only with this status; given several times: with any of them.',
  ),
  [KEYS]: v.exactOptional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^key\../, 'needs the name of a business key behind `key.`')),
        text,
      ),
      v.maxEntries(VALUES_MAX, `may be ${VALUES_MAX} at most`),
      v.description(
        'Only with this business key: each property is a parameter of its own, `key.` and the name, like `key.order_no=SO-1001`. Of several, all must be there.',
      ),
    ),
  ),
};

export const listQuery = v.strictObject({
  ...filterEntries,
  from: time('Only whose first log was collected then or later; a day before `to` if not given.'),
  to: time('Only whose first log was collected earlier; now if not given.'),
  limit: limit(1000),
  cursor,
});
export type ListQuery = v.InferOutput<typeof listQuery>;

export const logsQuery = v.strictObject({ limit: limit(1000), cursor });
export type LogsQuery = v.InferOutput<typeof logsQuery>;

export const streamQuery = v.strictObject({
  ...filterEntries,
  last_event_id: v.exactOptional(
    v.pipe(
      textUpTo(ID_CHARACTERS_MAX),
      v.description('As the header Last-Event-ID, for clients that cannot set it; the header goes first.'),
    ),
  ),
});

export const noQuery = v.strictObject({});

type Entries = v.ObjectEntries;

/** What the parameters say. Throws a 400 that names everything that is wrong; an unknown parameter is. */
export function readQuery<E extends Entries>(
  schema: v.StrictObjectSchema<E, undefined>,
  sent: URLSearchParams,
): v.InferOutput<v.StrictObjectSchema<E, undefined>> {
  const issues: ParameterIssue[] = [];
  const given: Record<string, unknown> = {};
  const keys: [string, string][] = [];
  for (const name of new Set(sent.keys())) {
    const values = sent.getAll(name);
    const isKey = name.startsWith(KEY_PREFIX) && KEYS in schema.entries;
    if (!isKey && (name === KEYS || !Object.hasOwn(schema.entries, name))) {
      issues.push({ parameter: name, reason: `is not known here; there are: ${namesOf(schema.entries)}` });
    } else if (!isKey && isList(schema.entries[name])) given[name] = values;
    else if (values.length > 1) issues.push({ parameter: name, reason: 'may be given once' });
    else if (isKey) keys.push([name, values[0] ?? '']);
    else given[name] = name === 'limit' ? numberIn(values[0] ?? '') : values[0];
  }
  if (keys.length > 0) given[KEYS] = Object.fromEntries(keys);
  const result = v.safeParse(schema, given);
  issues.push(...(result.issues ?? []).map(toIssue));
  if (!result.success || issues.length > 0) throw badParameters(issues);
  return result.output;
}

function namesOf(entries: Entries): string {
  const names = Object.keys(entries).map((name) => (name === KEYS ? `${KEY_PREFIX}NAME` : name));
  return names.length === 0 ? 'none' : names.join(', ');
}

function isList(schema: Entries[string] | undefined): boolean {
  return schema?.type === 'exact_optional' && 'wrapped' in schema && schema.wrapped.type === 'array';
}

function numberIn(sent: string): unknown {
  return /^\d{1,9}$/.test(sent) ? Number(sent) : sent;
}

function toIssue(issue: v.BaseIssue<unknown>): ParameterIssue {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const [parameter = '', inside] = path;
  return {
    parameter: parameter === KEYS ? (inside ?? `${KEY_PREFIX}NAME`) : parameter,
    reason: issue.message,
  };
}
