import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runInForeground } from './foreground.mjs';

/** Runs vitest, whose output is shown as it is, and closes with a line that any CI can read: `120 passed, 0 failed`. */
export async function runTests(root, args, env) {
  const resultFile = join(root, '.cache', 'test-results.json');
  mkdirSync(join(root, '.cache'), { recursive: true });
  rmSync(resultFile, { force: true });
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const code = await runInForeground(
    [
      process.execPath,
      vitest,
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${resultFile}`,
      ...args,
    ],
    env,
    { cwd: root, group: true },
  );
  const result = readResult(resultFile);
  if (result === undefined) {
    process.stderr.write('vitest ended without a result\n');
    return code || 1;
  }
  const { passed, failed, skipped } = countTests(result);
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  return code || (passed === 0 || failed > 0 ? 1 : 0);
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Of vitest's JSON report. A file that could not even be loaded has no tests in it, and counts as one that failed. */
export function countTests({ numPassedTests, numFailedTests, numTotalTests, testResults }) {
  const broken = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return {
    passed: numPassedTests,
    failed: numFailedTests + broken,
    skipped: numTotalTests - numPassedTests - numFailedTests,
  };
}
