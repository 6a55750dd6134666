import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { FatalError } from '../../common/errors.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';
import { clickHouseOf, endpointsOf, redisOf } from './plan.ts';
import { whereToLook } from './where-to-look.ts';

async function configOf(sink: object, up: object, more: object = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'tranweave-plan-'));
  try {
    const file = join(dir, 'tranweave.yml');
    await writeFile(
      file,
      stringify({
        inputs: [{ name: 'api', type: 'http', port: 0 }],
        sinks: [{ name: 'clickhouse', type: 'clickhouse', ...sink }],
        up,
        ...more,
      }),
    );
    return loadTranweaveConfig(file);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test('the embedded ClickHouse listens on this machine only, unless it is told another address', async () => {
  expect(clickHouseOf(await configOf({}, {}))).toMatchObject({ host: '127.0.0.1', hostBesides: undefined });
});

test.each([{}, { password: '' }])('another address without a password is refused: %j', async (sink) => {
  const config = await configOf(sink, { clickhouse_host: '0.0.0.0' });
  expect(() => clickHouseOf(config)).toThrow(FatalError);
  expect(() => endpointsOf(config)).toThrow(
    /0\.0\.0\.0 without a password.*`password` of the ClickHouse sink/,
  );
});

test.each([
  ['0.0.0.0', ['0.0.0.0']],
  ['192.0.2.1', ['127.0.0.1', '192.0.2.1']],
])('%s with a password is listened on at the port of the sink', async (clickhouse_host, hosts) => {
  const config = await configOf({ url: 'http://localhost:8124', password: 'x' }, { clickhouse_host });
  const endpoints = endpointsOf(config).filter(({ port }) => port === 8124);
  expect(endpoints.map(({ host }) => host)).toEqual(hosts);
  expect(endpoints.at(-1)?.key).toBe('up.clickhouse_host');
});

test('an IPv6 address is listened on without the brackets of its URL', async () => {
  const config = await configOf({ url: 'http://[::1]:8124' }, {}, { redis: { url: 'redis://[::1]:6390' } });
  expect(clickHouseOf(config)).toMatchObject({ host: '::1', port: 8124 });
  expect(redisOf(config)).toMatchObject({ host: '::1', port: 6390 });
});

test('where to ask is told of a ClickHouse on another machine, too', async () => {
  const config = await configOf({ url: 'http://store.example:8123' }, { clickhouse: false });
  expect(whereToLook(config, { inputs: {}, api: undefined }, { configFile: 'x', logDir: 'y' })).toContain(
    'http://store.example:8123',
  );
});

test('the API is started, looked for and told of only if the config has it', async () => {
  const isApi = ({ key }: { key: string }) => key.startsWith('api.');
  expect(endpointsOf(await configOf({}, {})).filter(isApi)).toEqual([]);
  const config = await configOf({}, {}, { api: {} });
  expect(endpointsOf(config).filter(isApi)).toEqual([{ host: '127.0.0.1', port: 8090, key: 'api.port' }]);
  const api = 'http://127.0.0.1:8090';
  const told = whereToLook(config, { inputs: {}, api }, { configFile: 'x', logDir: 'y' });
  expect(told).toContain('ask by HTTP');
  expect(told).toContain(`${api}/v1`);
});

test('an API that would be open to others is refused before anything starts', async () => {
  const config = await configOf({}, {}, { api: { host: '0.0.0.0', keys: [{ name: 'unset', key: '' }] } });
  expect(() => endpointsOf(config)).toThrow(
    /open to everybody who reaches 0\.0\.0\.0: give `api\.keys` a key/,
  );
});
