import type { Value } from './contribution.ts';
import { UNUSABLE } from './contribution.ts';
import type { Input } from './definition.ts';

/** What one partition has of a group in a window. Those of all partitions add up, in any order, and what was added can be taken out. */
export interface Partial {
  transactions: number;
  /** One for each input. */
  inputs: readonly InputPartial[];
}

export interface InputPartial {
  /** How many transactions have a usable value. */
  present: number;
  /** Of numbers, in units of 10^-scale. */
  sum: bigint;
  /** How many have one that is no number. */
  unusable: number;
  /** How many have one beyond the bound of different values. */
  over: number;
}

export function emptyPartial(inputs: readonly Input[]): Partial {
  return { transactions: 0, inputs: inputs.map(() => ({ present: 0, sum: 0n, unusable: 0, over: 0 })) };
}

export function isEmpty({ transactions, inputs }: Partial): boolean {
  return (
    transactions === 0 &&
    inputs.every(
      ({ present, sum, unusable, over }) => present === 0 && sum === 0n && unusable === 0 && over === 0,
    )
  );
}

/** @param by 1 to add a transaction's values, -1 to take them out. */
export function withValues(
  partial: Partial,
  inputs: readonly Input[],
  values: readonly Value[],
  by: 1 | -1,
): Partial {
  return {
    transactions: partial.transactions + by,
    inputs: partial.inputs.map((input, index) => {
      const value = values[index] ?? null;
      if (value === null) return input;
      if (value === UNUSABLE) return { ...input, unusable: input.unusable + by };
      const text = typeof value === 'string' ? value : value[0];
      const sum = inputs[index]?.scale === undefined ? input.sum : input.sum + BigInt(by) * BigInt(text);
      const over = typeof value === 'string' ? input.over : input.over + by;
      return { ...input, present: input.present + by, sum, over };
    }),
  };
}

export function addPartials(a: Partial, b: Partial): Partial {
  return {
    transactions: a.transactions + b.transactions,
    inputs: a.inputs.map((input, index) => {
      const other = b.inputs[index];
      if (other === undefined) return input;
      return {
        present: input.present + other.present,
        sum: input.sum + other.sum,
        unusable: input.unusable + other.unusable,
        over: input.over + other.over,
      };
    }),
  };
}

/** On Redis: a JSON list of the number of transactions and a list for each input; sums are texts, since they may be larger than JSON's numbers. */
export function encodePartial({ transactions, inputs }: Partial): string {
  return JSON.stringify([
    transactions,
    ...inputs.map(({ present, sum, unusable, over }) => [present, sum.toString(), unusable, over]),
  ]);
}

export function decodePartial(json: string): Partial {
  const [transactions, ...inputs] = JSON.parse(json) as [number, ...[number, string, number, number][]];
  return {
    transactions,
    inputs: inputs.map(([present, sum, unusable, over]) => ({ present, sum: BigInt(sum), unusable, over })),
  };
}
