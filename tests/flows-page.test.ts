import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkConfig } from '../common/config.ts';
import { flowsInWords } from '../scripts/commands/validate.ts';
import { lookSchema } from '../scripts/scenarios/expectation.ts';
import { parseScenarios } from '../scripts/scenarios/load.ts';
import { reportFailure } from '../scripts/scenarios/report.ts';
import { rulesOf } from '../scripts/scenarios/play.ts';
import { runScenario } from '../scripts/scenarios/run.ts';
import { scenarioSchema } from '../scripts/scenarios/schema.ts';
import { tranweaveConfigSchema } from '../scripts/tranweave-config.ts';
import type { TranweaveConfig } from '../scripts/tranweave-config.ts';

/**
 * docs/flows.md, run: its configs are valid and mean what the page says, its scenarios hold under the config before them, and
 * one that fails does so in the words of the page.
 */

const page = readFileSync(new URL('../docs/flows.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```(yaml|text)\n([^]*?)^```$/gm)].map((m) => ({
  kind: m[1],
  text: m[2]!,
}));

interface Sample {
  what: 'config' | 'flows in words' | 'scenarios' | 'failing scenarios';
  text: string;
  /** The sample that it belongs to: a config before scenarios, what is told in words before the words. */
  config: string;
  words: string;
}

/** The blocks with what they belong to: words to the block before them, scenarios to the config before them. */
function samples(): Sample[] {
  let config = '';
  return blocks.flatMap(({ kind, text }, index): Sample[] => {
    const next = blocks[index + 1];
    const words = next?.kind === 'text' ? next.text : '';
    if (kind === 'text') {
      return text.startsWith('flows (') ? [{ what: 'flows in words', text, config, words: '' }] : [];
    }
    if (text.startsWith('scenarios:')) {
      return [{ what: words === '' ? 'scenarios' : 'failing scenarios', text, config, words }];
    }
    config = text;
    return [{ what: 'config', text, config, words: '' }];
  });
}

const of = (what: Sample['what']) => samples().filter((sample) => sample.what === what);

function configOf({ config: text }: Sample): TranweaveConfig {
  const { config, mistakes } = checkConfig(text, tranweaveConfigSchema, {});
  expect(mistakes).toBeUndefined();
  return config!;
}

/** What `tranweave test` tells of them. */
function reportOf(sample: Sample): string {
  const rules = rulesOf(configOf(sample));
  return parseScenarios('scenarios.yml', sample.text, {})
    .map(({ scenario, place }) => reportFailure(place, runScenario(scenario, rules)))
    .join('');
}

test('the page has samples of every kind, and every block is one', () => {
  expect(of('config').length).toBeGreaterThanOrEqual(4);
  expect(of('flows in words').length).toBeGreaterThanOrEqual(3);
  expect(of('scenarios').length).toBeGreaterThanOrEqual(3);
  expect(of('failing scenarios')).toHaveLength(1);
  expect(samples()).toHaveLength(blocks.length - 1);
});

test.each(of('config'))('a config is valid: $text', (sample) => {
  expect(configOf(sample).flows.length).toBeGreaterThan(0);
});

test.each(of('flows in words'))('validate says: $text', (sample) => {
  expect(`${flowsInWords(configOf(sample)).join('\n')}\n`).toBe(sample.text);
});

test.each(of('scenarios'))('scenarios hold: $text', (sample) => {
  expect(reportOf(sample)).toBe('');
});

test.each(of('failing scenarios'))('a scenario fails in these words: $words', (sample) => {
  expect(reportOf(sample)).toBe(sample.words);
});

test('the page names everything that a flow, a scenario and an expectation can say', () => {
  const flow = tranweaveConfigSchema.entries.flows.wrapped.item.entries;
  const words = [
    ...Object.keys(flow),
    'step',
    'branches',
    'optional',
    'deadline',
    ...Object.keys(scenarioSchema.entries),
    ...Object.keys(lookSchema.entries),
    ...Object.keys(lookSchema.entries.steps.wrapped.item.entries),
    'after',
  ];
  expect(words.length).toBeGreaterThan(45);
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(page))).toEqual([]);
});
