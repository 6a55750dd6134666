import { dirname, join } from 'node:path';
import { ConfigError } from '../../common/config.ts';
import { FatalError } from '../../common/errors.ts';
import { filesOf, loadScenarios } from '../scenarios/load.ts';
import type { PlacedScenario } from '../scenarios/load.ts';
import { rulesOf } from '../scenarios/play.ts';
import { countResults, reportFailure } from '../scenarios/report.ts';
import { runScenario } from '../scenarios/run.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

/**
 * Tries scenarios against a config's flows, tells what failed, and sets the exit code: 1 if something did. Without names of files it
 * takes `scenarios.yml` beside the config. Throws a FatalError for files with mistakes or that are not there.
 */
export function testFlows(names: readonly string[], options: { config: string }): void {
  const rules = rulesOf(loadTranweaveConfig(options.config));
  const files = names.length === 0 ? [join(dirname(options.config), 'scenarios.yml')] : filesOf(names);
  const results = loadAll(files).map(({ scenario, place }) => {
    const result = runScenario(scenario, rules);
    if (result.failure !== undefined) process.stdout.write(`${reportFailure(place, result)}\n`);
    return result;
  });
  process.stdout.write(`${countResults(results)}\n`);
  if (results.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
}

/** All or none: mistakes in one file do not hide those in another. */
function loadAll(files: readonly string[]): PlacedScenario[] {
  const mistaken: string[] = [];
  const scenarios = files.flatMap((file) => {
    try {
      return loadScenarios(file);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      mistaken.push(error.message);
      return [];
    }
  });
  if (mistaken.length > 0) throw new FatalError(mistaken.join('\n'));
  return scenarios;
}
