import type { ApiConfig } from '../../api/config.ts';
import { createAuthenticate } from '../../api/keys.ts';
import { describeFlow } from '../../common/flow.ts';
import type { FlowsConfig } from '../../common/flow.ts';
import { loadTranweaveConfig } from '../tranweave-config.ts';

/** Checks a config and says what it means. Throws a ConfigError that lists every mistake. */
export function validate(file: string): void {
  const config = loadTranweaveConfig(file);
  const lines = [
    `${file} is valid`,
    '',
    `partitions  ${config.partitions}`,
    `redis       ${config.redis.cluster.length > 0 ? config.redis.cluster.join(', ') : withoutPassword(config.redis.url)}`,
    ...listed(
      'inputs',
      config.inputs.map((input) => `${input.name} (${input.type})`),
    ),
    ...listed(
      'sinks',
      config.sinks.map((sink) => `${sink.name} (${sink.type})`),
    ),
    ...listed(
      'alerts',
      config.alerts.rules.map((rule) => `${rule.name} (${rule.type})`),
    ),
    ...listed('api', config.api === undefined ? [] : [inWords(config.api)]),
    ...(config.insights.length === 0
      ? []
      : listed(
          'insights',
          config.insights.map(({ name, group_by }) =>
            group_by.length === 0 ? name : `${name} (by ${group_by.map(({ as }) => as).join(', ')})`,
          ),
        )),
    '',
    ...flowsInWords(config),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** What the flows mean, a line for each. */
export function flowsInWords({ flows, default_flow }: FlowsConfig): string[] {
  return [
    'flows (deadlines count from when the first log of a transaction was collected)',
    ...flows.map((flow) => `  ${flow.interface}: ${describeFlow(flow)}`),
    `  every other interface: ${describeFlow(default_flow)}`,
  ];
}

function listed(title: string, items: readonly string[]): string[] {
  return [`${title.padEnd(12)}${items.length === 0 ? 'none' : items.join(', ')}`];
}

/** Throws a FatalError for one that would not start. */
function inWords(api: ApiConfig): string {
  createAuthenticate(api);
  const keys = api.keys.filter(({ key }) => key !== '').map(({ name }) => name);
  return `${api.host}:${api.port}, ${keys.length === 0 ? 'no keys' : `keys: ${keys.join(', ')}`}`;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/([^:@/]*):[^@/]*@/, '//$1:…@');
}
