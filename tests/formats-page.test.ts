import { expect, test } from 'vitest';
import { decoders } from '../collector/decoders/registry.ts';
import { framings } from '../collector/framing/registry.ts';
import { written } from './formats/init.ts';
import { blocks, inputOf, outcomesOf, samples, shown } from './formats/samples.ts';

/** docs/formats.md, run: each sample is read by the config below it, and gives what stands below that. */

test('every block belongs to a sample', () => {
  expect(samples.length).toBeGreaterThanOrEqual(12);
  expect(blocks).toHaveLength(3 * samples.length);
});

test('every decoder and every framing has a sample', () => {
  const inputs = samples.map(inputOf);
  // Another name of json.
  const known = Object.keys(decoders).filter((type) => type !== 'ndjson');
  expect([...new Set(inputs.map(({ decoder }) => decoder.type as string))].sort()).toEqual(known.sort());
  // A page cannot show it.
  const framed = Object.keys(framings).filter((type) => type !== 'crlf');
  expect([...new Set(inputs.map(({ framing }) => framing.type as string))].sort()).toEqual(framed.sort());
});

test.each(samples)('$config', (sample) => {
  expect(outcomesOf(sample).map(shown).join('')).toBe(sample.output);
});

test('the config that is guessed of a sample is the one that the page shows', () => {
  const sample = samples.find(({ config }) => config.includes('name: sample'));
  expect(written(Buffer.from(sample?.text ?? ''), 'Asia/Seoul').text).toContain(sample?.config ?? 'none');
});
