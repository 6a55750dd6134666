import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadScenarios } from '../scripts/scenarios/load.ts';
import { rulesOf } from '../scripts/scenarios/play.ts';
import { reportFailure } from '../scripts/scenarios/report.ts';
import { runScenario } from '../scripts/scenarios/run.ts';
import { loadTranweaveConfig } from '../scripts/tranweave-config.ts';

/** The rules of merging and of flows, case by case, in every order: each scenario is a test of its own. */
const file = (name: string) => fileURLToPath(new URL(`flows/${name}`, import.meta.url));
const rules = rulesOf(loadTranweaveConfig(file('tranweave.yml')));
const scenarios = loadScenarios(file('scenarios.yml')).map(
  ({ scenario, place }) => [scenario.name, scenario, place] as const,
);

test.each(scenarios)('%s', (_name, scenario, place) => {
  expect(reportFailure(place, runScenario(scenario, rules))).toBe('');
});
