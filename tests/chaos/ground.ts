import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { freePort, startRedis } from '../../common/testing/redis-server.ts';
import type { TestRedis } from '../../common/testing/redis-server.ts';
import { openStreams } from '../../common/testing/streams.ts';
import type { TestStreams } from '../../common/testing/streams.ts';
import { startProcess } from '../support/landscape.ts';
import type { RoleName, RoleProcess } from '../support/landscape.ts';

/** Redis, a config and a folder for a run: the roles are started by whoever runs it. */
export interface Ground extends AsyncDisposable {
  configFile: string;
  /** The file that the input `files` follows, from its first line on. */
  inboxFile: string;
  /** `POST` here: the input `api`. */
  httpUrl: string;
  partitions: number;
  redis: TestRedis;
  streams: TestStreams;
  start(role: RoleName): Promise<RoleProcess>;
}

/** @param config what is added to the config, or replaces what it has. */
export async function openGround(partitions: number, config: object): Promise<Ground> {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-chaos-'));
  await mkdir(join(dir, 'inbox'));
  const redis = await startRedis();
  const httpPort = await freePort();
  const configFile = join(dir, 'tranweave.yml');
  await writeFile(
    configFile,
    stringify({
      partitions,
      redis: { url: redis.url },
      inputs: [
        { name: 'api', type: 'http', port: httpPort },
        { name: 'files', type: 'file', paths: ['inbox/*.log'] },
      ],
      // Short, so that claims are lost and taken over often.
      claims: { ttl: '1500ms', heartbeat: '300ms' },
      ...config,
    }),
  );
  const streams = openStreams(redis.url, partitions);
  const started: RoleProcess[] = [];
  return {
    configFile,
    inboxFile: join(dir, 'inbox', 'chaos.log'),
    httpUrl: `http://127.0.0.1:${httpPort}/v1/logs`,
    partitions,
    redis,
    streams,
    start: async (role) => {
      const process = await startProcess([role, '--config', configFile]);
      started.push(process);
      return process;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(started.map((role) => endForGood(role)));
      streams.redis.disconnect();
      await redis.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Also when it is paused. */
async function endForGood(role: RoleProcess): Promise<void> {
  const ended = role.stop();
  role.kill('SIGCONT');
  await ended;
}
