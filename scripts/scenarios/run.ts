import { durationText } from '../../common/config-values.ts';
import type { Flow } from '../../common/flow.ts';
import { merge } from '../../common/merge.ts';
import type { TransactionState } from '../../common/transaction-state.ts';
import { compareWith } from './compare.ts';
import type { Difference } from './compare.ts';
import { BEGINNING } from './moment.ts';
import { orderAsGiven, ordersOf } from './orders.ts';
import { asProcessed, play } from './play.ts';
import type { Arrival, Forgotten, Rules } from './play.ts';
import type { Scenario } from './schema.ts';

/** One way in which a scenario's logs can be collected. */
export interface Way {
  /** Places in the file, from 0. */
  order: readonly number[];
  twice: boolean;
}

/** A difference, and at which look, ms since the beginning; absent for the look at the end. */
export type FoundDifference = Difference & { at?: number };

export interface ScenarioResult {
  scenario: Scenario;
  /** In how many ways it was tried, and in how many of them something was not as expected. */
  ways: number;
  failed: number;
  /** The first of those. */
  failure?: ScenarioFailure;
}

export interface ScenarioFailure {
  way: Way;
  differences: readonly FoundDifference[];
  /** What its transaction's interface is in the end, '' if it is not known, and the flow that it has. */
  interfaceId: string;
  flow: Flow;
}

/** Tries a scenario in every way; each must give what it expects. */
export function runScenario(scenario: Scenario, rules: Rules): ScenarioResult {
  const logs = scenario.logs.map(({ log, after }) => ({ log: asProcessed(log), at: BEGINNING + after }));
  const ways = waysOf(scenario);
  const failures = ways.flatMap((way) => {
    const differences = differencesIn(scenario, arrivalsOf(logs, way), rules);
    return differences.length === 0 ? [] : [{ way, differences }];
  });
  const result = { scenario, ways: ways.length, failed: failures.length };
  const [first] = failures;
  if (first === undefined) return result;
  const interfaceId = interfaceIn(scenario);
  return { ...result, failure: { ...first, interfaceId, flow: rules.findFlow(interfaceId || undefined) } };
}

/** First as the file gives it, so that a plain mistake is shown in the plainest way. */
function waysOf({ logs, order, twice }: Scenario): Way[] {
  const afters = logs.map(({ after }) => after);
  const orders = order === 'any' ? ordersOf(afters) : [orderAsGiven(afters)];
  const once = orders.map((order) => ({ order, twice: false }));
  return twice ? [...once, ...orders.map((order) => ({ order, twice: true }))] : once;
}

/**
 * With repetitions, the logs of a moment come once more at its end, and those of all moments at the very end: a batch that is
 * sent again soon, and a file that is read again late.
 */
function arrivalsOf(logs: readonly Arrival[], { order, twice }: Way): Arrival[] {
  const once = order.flatMap((place) => logs[place] ?? []);
  if (!twice) return once;
  const arrivals: Arrival[] = [];
  let moment: Arrival[] = [];
  for (const arrival of once) {
    if (moment[0] !== undefined && moment[0].at !== arrival.at) {
      arrivals.push(...moment);
      moment = [];
    }
    moment.push(arrival);
    arrivals.push(arrival);
  }
  const end = once.at(-1)?.at ?? BEGINNING;
  return [...arrivals, ...once.map(({ log }) => ({ log, at: end }))];
}

function differencesIn({ looks }: Scenario, arrivals: readonly Arrival[], rules: Rules): FoundDifference[] {
  const end = arrivals.at(-1)?.at ?? BEGINNING;
  return looks.flatMap((look) => {
    const { at } = look;
    const { summary, forgotten } = play(arrivals, at === undefined ? end : BEGINNING + at, rules);
    const differences = forgotten === undefined ? compareWith(look, summary) : [differenceOf(forgotten)];
    return at === undefined ? differences : differences.map((difference) => ({ ...difference, at }));
  });
}

/** Whoever expects something of a transaction expects it to be known then. */
function differenceOf({ neededAt, setting, retention }: Forgotten): Difference {
  return {
    field: 'transaction',
    expected: `still known after ${durationText(neededAt - BEGINNING)}`,
    found: `forgotten ${durationText(retention)} after its last change (processor.${setting})`,
  };
}

/** As merging has it: of the newest log that names one. */
function interfaceIn({ logs }: Scenario): string {
  const state = logs.reduce<TransactionState | undefined>((state, { log }) => merge(state, log), undefined);
  return state?.facts.interface_id?.value ?? '';
}
