import type { ClickHouseClient } from '@clickhouse/client';
import { FatalError } from '../../common/errors.ts';
import type { TranweaveConfig } from '../tranweave-config.ts';
import { idsThatAre, newestLetters } from './letters.ts';
import type { Selection } from './letters.ts';

/** Where a record may have failed, besides at a sink: `sink NAME`. */
const STAGES = ['frame', 'decode', 'map', 'validate', 'backout', 'stream'];

/**
 * Throws a FatalError that names an input or a stage that there is not, or ids of no dead letter: a slip of the pen must not look like
 * an answer that there is nothing. What the config has no more, but dead letters have, is known.
 */
export async function demandKnown(
  client: ClickHouseClient,
  { inputs, sinks }: Pick<TranweaveConfig, 'inputs' | 'sinks'>,
  { ids, input, stage }: Pick<Selection, 'ids' | 'input' | 'stage'>,
): Promise<void> {
  const isSeen = async (which: Pick<Selection, 'input' | 'stage'>) =>
    (await newestLetters(client, { ids: [], resolved: true, ...which }, 1)).length > 0;
  const names = inputs.map(({ name }) => name);
  if (input !== undefined && !names.includes(input) && !(await isSeen({ input }))) {
    throw new FatalError(
      `the config has no input ${input}, nor has a dead letter; it has ${names.join(', ') || 'none'}`,
    );
  }
  const stages = [...STAGES, ...sinks.map(({ name }) => `sink ${name}`)];
  if (stage !== undefined && !stages.includes(stage) && !(await isSeen({ stage }))) {
    throw new FatalError(`there is no stage ${stage}; there are ${stages.join(', ')}`);
  }
  const there = await idsThatAre(client, ids);
  const unknown = [...new Set(ids)].filter((id) => !there.has(id));
  if (unknown.length > 0) throw new FatalError(`there is no dead letter ${unknown.join(', ')}`);
}
