import { seededRandom } from '../seeded-random.ts';

/** The orders in which logs can be collected: each a list of their places in the file, from 0. */

/** Up to six logs of one moment are tried in every order; of more, as many orders as this. */
const ORDERS_MAX = 720;
/** Long scenarios are tried in fewer, so that the logs of all orders together stay bounded, */
const LOGS_OF_ALL_ORDERS = 5_000;
/** but never in fewer than this. */
const ORDERS_MIN = 20;
/** The same orders in every run: what failed once fails again. */
const SEED = 1;

/**
 * Logs that are collected at different moments keep the order of those; those of one moment come in every order, or in a
 * sample of orders where there are too many. The first order is always that of the file.
 *
 * @param afters when each log is collected.
 */
export function ordersOf(afters: readonly number[]): number[][] {
  const moments = placesByMoment(afters);
  const all = moments.reduce((product, places) => product * factorial(places.length), 1);
  return all <= ORDERS_MAX ? everyOrder(moments) : sampleOf(moments, afters.length);
}

/** The one order of the file, as far as the moments leave it. */
export function orderAsGiven(afters: readonly number[]): number[] {
  return placesByMoment(afters).flat();
}

function placesByMoment(afters: readonly number[]): number[][] {
  const byMoment = new Map<number, number[]>();
  for (const [place, after] of afters.entries()) {
    byMoment.set(after, [...(byMoment.get(after) ?? []), place]);
  }
  return [...byMoment].sort(([a], [b]) => a - b).map(([, places]) => places);
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}

function everyOrder([first, ...rest]: readonly number[][]): number[][] {
  if (first === undefined) return [[]];
  const tails = everyOrder(rest);
  return permutationsOf(first).flatMap((head) => tails.map((tail) => [...head, ...tail]));
}

function permutationsOf(places: readonly number[]): number[][] {
  if (places.length <= 1) return [[...places]];
  return places.flatMap((place, at) =>
    permutationsOf(places.toSpliced(at, 1)).map((rest) => [place, ...rest]),
  );
}

function sampleOf(moments: readonly number[][], logs: number): number[][] {
  const random = seededRandom(SEED);
  const wanted = Math.min(ORDERS_MAX, Math.max(ORDERS_MIN, Math.floor(LOGS_OF_ALL_ORDERS / logs)));
  // The two that most often show that an order matters, and then chance. By their text, since some may be drawn twice.
  const orders = [moments.flat(), moments.flatMap((places) => places.toReversed())];
  const sample = new Map(orders.map((order) => [order.join(), order]));
  for (let drawn = orders.length; drawn < wanted; drawn += 1) {
    const order = moments.flatMap((places) => shuffled(places, random));
    sample.set(order.join(), order);
  }
  return [...sample.values()];
}

/** Fisher and Yates' shuffle. */
function shuffled(places: readonly number[], random: () => number): number[] {
  const list = [...places];
  for (let last = list.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [list[last], list[other]] = [list[other] ?? 0, list[last] ?? 0];
  }
  return list;
}
