import * as v from 'valibot';
import { duration, wholeNumber } from './config-values.ts';

/**
 * Flows: which steps the transactions of an interface are expected to pass, and by when. This file is what users
 * configure and how an interface finds its flow; what a flow makes of a transaction's state is in evaluate.ts.
 */

const stepName = v.pipe(v.string('must be the name of a step'), v.nonEmpty('must not be empty'));

const branches = v.pipe(
  v.union(
    [v.pipe(v.array(stepName), v.minLength(1, 'must name at least one branch')), wholeNumber(1, 128, '')],
    'must be a list of branch names, or how many branches there are (1 to 128)',
  ),
  v.description(
    'Branches expected at this step: a list of names, or how many when names are not known beforehand. Without it the step is done when every branch that was seen is done.',
  ),
);

const stepSchema = v.union(
  [
    v.pipe(
      stepName,
      v.transform((step) => ({ step, optional: false })),
    ),
    v.strictObject({
      step: v.pipe(stepName, v.description('The name that logs carry in `step`.')),
      branches: v.exactOptional(branches),
      optional: v.optional(
        v.pipe(
          v.boolean('must be true or false'),
          v.description(
            'An optional step never holds up completion; its failure still fails the transaction.',
          ),
        ),
        false,
      ),
      deadline: v.exactOptional(
        duration(
          'By when this step must be done, counted from the first log that was collected of the transaction.',
        ),
      ),
    }),
  ],
  'must be the name of a step, or an object with `step` and, if wanted, `branches`, `optional`, `deadline`',
);

const steps = v.pipe(
  v.array(stepSchema, 'must be a list of steps'),
  v.minLength(1, 'must name at least one step'),
  v.maxLength(64, 'must have at most 64 steps'),
  v.check(
    (list) => new Set(list.map((s) => s.step)).size === list.length,
    'names a step twice; use `branches` for a fan-out',
  ),
  v.description('The expected steps, in their usual order.'),
);

const deadline = duration(
  'By when the transaction must be completed, counted from the first log that was collected of it. Without it a transaction never times out.',
);

/** The flow of every interface that has none of its own. */
export const DEFAULT_FLOW = { steps: ['send', 'hub', 'receive'], deadline: '1h' };

/** Entries for the root of the config. */
export const flowsEntries = {
  default_flow: v.pipe(
    v.optional(v.strictObject({ steps, deadline: v.exactOptional(deadline) }), DEFAULT_FLOW),
    v.description('The flow of every interface that has none of its own.'),
  ),
  flows: v.pipe(
    v.optional(
      v.array(
        v.strictObject({
          interface: v.pipe(
            v.string('must be a text'),
            v.nonEmpty('must not be empty'),
            v.description(
              'The interface id, or a pattern with `*` (any letters) and `?` (one letter). An exact id wins over patterns; among patterns the first wins.',
            ),
          ),
          steps,
          deadline: v.exactOptional(deadline),
        }),
        'must be a list of flows',
      ),
      [],
    ),
    v.description('Expected steps and deadlines per interface.'),
  ),
};

const flowsSchema = v.object(flowsEntries);
export type FlowsConfig = v.InferOutput<typeof flowsSchema>;
/** Durations are in milliseconds. */
export type Flow = FlowsConfig['default_flow'];
export type FlowStep = Flow['steps'][number];

/** Interface ids come from logs; past this many the cache starts anew rather than grow without end. */
const CACHED_INTERFACES_MAX = 10_000;

/** How an interface finds its flow. `undefined` is a transaction whose interface is not known (yet). */
export function createFlowFinder(config: FlowsConfig): (interfaceId: string | undefined) => Flow {
  const exact = new Map(config.flows.filter((f) => !isPattern(f.interface)).map((f) => [f.interface, f]));
  const patterns = config.flows
    .filter((f) => isPattern(f.interface))
    .map((flow) => ({ flow, regex: patternRegex(flow.interface) }));
  const cache = new Map<string, Flow>();
  return (interfaceId) => {
    if (interfaceId === undefined) return config.default_flow;
    const known = cache.get(interfaceId);
    if (known !== undefined) return known;
    const flow =
      exact.get(interfaceId) ??
      patterns.find(({ regex }) => regex.test(interfaceId))?.flow ??
      config.default_flow;
    if (cache.size >= CACHED_INTERFACES_MAX) cache.clear();
    cache.set(interfaceId, flow);
    return flow;
  };
}

function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

function patternRegex(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

/** The flow in words, for `tranweave validate`: `send, then hub within 30s, then receive (branches wms and crm); all within 5m`. */
export function describeFlow(flow: Flow): string {
  const whole = flow.deadline === undefined ? 'no deadline' : `all within ${describeDuration(flow.deadline)}`;
  return `${flow.steps.map(describeStep).join(', then ')}; ${whole}`;
}

function describeStep(step: FlowStep): string {
  const notes: string[] = [];
  const { branches } = step as { branches?: string[] | number };
  if (typeof branches === 'number') notes.push(`${branches} branches`);
  else if (branches !== undefined) notes.push(`branches ${branches.join(', ')}`);
  if (step.optional) notes.push('optional');
  const { deadline } = step as { deadline?: number };
  if (deadline !== undefined) notes.push(`within ${describeDuration(deadline)}`);
  return notes.length === 0 ? step.step : `${step.step} (${notes.join('; ')})`;
}

function describeDuration(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ] as const;
  let rest = ms;
  let text = '';
  for (const [unit, size] of units) {
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text || '0s';
}
