import * as v from 'valibot';
import { duration, durationText, unique, wholeNumber } from './config-values.ts';

/**
 * Flows: which steps the transactions of an interface are expected to pass, and by when. This file is what users
 * configure and how an interface finds its flow; what a flow makes of a transaction's state is in evaluate.ts.
 */

const stepName = v.pipe(v.string('must be the name of a step'), v.nonEmpty('must not be empty'));

const branches = v.pipe(
  v.union(
    [
      v.pipe(
        v.array(stepName),
        v.minLength(1, 'must name at least one branch'),
        v.check((names) => new Set(names).size === names.length, 'names a branch twice'),
      ),
      wholeNumber(1, 128, ''),
    ],
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
    v.pipe(
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
      v.forward(
        v.partialCheck(
          [['optional'], ['deadline']],
          ({ optional, deadline }) => !optional || deadline === undefined,
          'has no effect on an optional step, since nothing waits for it; leave out one of the two',
        ),
        ['deadline'],
      ),
    ),
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
    unique('interface'),
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

/** What a pattern of the config with `*` and `?` matches, as a whole. */
export function patternRegex(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}

/**
 * The flow in words, for `tranweave validate`: `send, then hub (within 30s), then receive (branches wms, crm); all within 5m`. What is
 * within some time is so from when the first log was collected: said once, above all flows.
 */
export function describeFlow(flow: Flow): string {
  const timed = flow.steps.some((step) => 'deadline' in step);
  const never = timed ? 'no deadline for the whole' : 'no deadline';
  const whole = flow.deadline === undefined ? never : `all within ${durationText(flow.deadline)}`;
  return `${flow.steps.map(describeStep).join(', then ')}; ${whole}`;
}

function describeStep(step: FlowStep): string {
  const notes: string[] = [];
  const { branches, deadline } = step as { branches?: string[] | number; deadline?: number };
  if (branches !== undefined) notes.push(describeBranches(branches));
  if (step.optional) notes.push('optional');
  if (deadline !== undefined) notes.push(`within ${durationText(deadline)}`);
  return notes.length === 0 ? step.step : `${step.step} (${notes.join('; ')})`;
}

function describeBranches(branches: string[] | number): string {
  if (typeof branches === 'number') return branches === 1 ? 'any branch' : `any ${branches} branches`;
  return branches.length === 1 ? `branch ${branches.join()}` : `branches ${branches.join(', ')}`;
}
