import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startRedis } from '../common/testing/redis-server.ts';
import type { TestRedis } from '../common/testing/redis-server.ts';
import { until } from '../common/testing/until.ts';
import { idsIn, openRig } from './testing/rig.ts';
import type { Rig } from './testing/rig.ts';

/** One node of a Cluster refuses whatever a Cluster of many would refuse. The lines cited are those of docs/redis-streams.md. */

const ids = [...idsIn(0, 10), ...idsIn(1, 10)];
let server: TestRedis;
let rig: Rig;
beforeAll(async () => {
  server = await startRedis({
    extraArgs: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())],
  });
  rig = await openRig(server);
  await slots('ADDSLOTSRANGE');
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
  await server.stop();
});

async function slots(change: 'ADDSLOTSRANGE' | 'DELSLOTSRANGE'): Promise<void> {
  await rig.redis.call('CLUSTER', change, '0', '16383');
  const state = change === 'ADDSLOTSRANGE' ? 'cluster_state:ok' : 'cluster_state:fail';
  await until(state, async () => String(await rig.redis.call('CLUSTER', 'INFO')).includes(state));
}

test('R23, R24: scripts and reads touch one slot at a time, and a node that is not answerable for it is waited for', async () => {
  await rig.reset();
  await using processor = await rig.start();
  await rig.send(ids, 'send');
  await rig.caughtUp();
  await slots('DELSLOTSRANGE');
  await expect(rig.redis.xlen('s')).rejects.toThrow('CLUSTERDOWN');
  await until('it is told', () => processor.lines.some(({ error }) => String(error).includes('CLUSTERDOWN')));
  await slots('ADDSLOTSRANGE');
  await rig.send(ids, 'receive');
  await rig.completed(ids);
  await rig.caughtUp();
  expect([await rig.doubled(), processor.isRunning()]).toEqual([[], true]);
});
