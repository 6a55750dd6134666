import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { globSync, isDynamicPattern } from 'tinyglobby';
import { checkConfig, ConfigError, readUtf8 } from '../../common/config.ts';
import { FatalError } from '../../common/errors.ts';
import { scenariosFileSchema } from './schema.ts';
import type { Scenario } from './schema.ts';

/** A scenario, and where it stands. */
export interface PlacedScenario {
  scenario: Scenario;
  /** File and line: `scenarios.yml:12`. */
  place: string;
}

/** The files that names and patterns (`flows/*.yml`) mean, each once. Throws a FatalError for a pattern that fits none. */
export function filesOf(names: readonly string[]): string[] {
  const isPattern = (name: string) => !existsSync(name) && isDynamicPattern(name);
  return [...new Set(names.flatMap((name) => (isPattern(name) ? fitting(name) : [resolve(name)])))];
}

function fitting(pattern: string): string[] {
  const files = globSync(pattern, { absolute: true, expandDirectories: false }).sort();
  if (files.length === 0) throw new FatalError(`no file fits ${pattern}`);
  return files;
}

/** Reads and checks a file of scenarios. Throws a ConfigError that lists every mistake, or a FatalError when it cannot be read. */
export function loadScenarios(file: string, env: NodeJS.ProcessEnv = process.env): PlacedScenario[] {
  const shown = relative('.', file) || file;
  return parseScenarios(shown, readText(shown), env);
}

/** The scenarios of a text; `file` is what it is called where it is told of. Throws a ConfigError that lists every mistake. */
export function parseScenarios(file: string, text: string, env: NodeJS.ProcessEnv): PlacedScenario[] {
  const result = checkConfig(text, scenariosFileSchema, env);
  if (result.mistakes !== undefined) throw new ConfigError(file, result.mistakes);
  return result.config.scenarios.map((scenario, index) => ({
    scenario,
    place: `${file}:${result.placeOf(['scenarios', index]).line}`,
  }));
}

function readText(file: string): string {
  try {
    return readUtf8(file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new FatalError(`there is no file of scenarios ${file}; docs/flows.md tells how to write one`);
    }
    throw new FatalError(`the scenarios ${file} cannot be read`, { cause: error });
  }
}
