import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeError } from '../common/errors.ts';
import type { Lab } from './lab.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { progress } from './report.ts';
import { until } from './until.ts';

/** rsyslog beside a collector in the same run: a program in C that follows the file and pushes each line as it is onto a Redis list. */

const run = promisify(execFile);
const LIST = 'tranweave:bench:rsyslog';

/** Has rsyslog take a whole file; undefined where it, or its module for Redis, is not installed (Debian: `rsyslog`, `rsyslog-hiredis`). */
export async function measureRsyslog(
  lab: Lab,
  dir: string,
  file: string,
  lines: number,
): Promise<Measured | undefined> {
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'rsyslog.conf');
  await writeFile(config, configOf(dir, file, lab.redis.port));
  try {
    await run('rsyslogd', ['-N1', '-f', config]);
  } catch (error) {
    progress(
      `  rsyslog is not measured; it needs rsyslogd and its module for Redis: ${describeError(error)}`,
    );
    return undefined;
  }
  await lab.redisClient.del(LIST);
  // It reads a file that it does not know from its beginning, which is here already.
  const child = spawn('rsyslogd', ['-n', '-f', config, '-i', join(dir, 'pid')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const { pid } = child;
  if (pid === undefined) throw new Error('rsyslogd did not start');
  try {
    return await measure(lab, lines, { rsyslog: { pid } }, () =>
      until('rsyslog has taken the file', async () => (await lab.redisClient.llen(LIST)) === lines),
    );
  } finally {
    child.kill('SIGKILL');
    await ended;
    await lab.redisClient.del(LIST);
  }
}

function configOf(dir: string, file: string, port: number): string {
  return `global(workDirectory="${dir}")
module(load="imfile")
module(load="omhiredis")
template(name="line" type="string" string="%msg%")
input(type="imfile" File="${file}" Tag="bench" ruleset="redis")
ruleset(name="redis") {
  action(type="omhiredis" server="127.0.0.1" serverport="${port}" mode="queue" key="${LIST}" template="line")
}
`;
}
