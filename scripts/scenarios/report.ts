import { durationText } from '../../common/config-values.ts';
import { describeFlow } from '../../common/flow.ts';
import { oneLine, table } from '../table.ts';
import type { FoundDifference, ScenarioResult, Way } from './run.ts';
import type { Scenario } from './schema.ts';

/** What a person needs to mend a scenario that failed: where it is, what differs, and with the logs in which order. */

/** @param place file and line. */
export function reportFailure(place: string, { scenario, ways, failed, failure }: ScenarioResult): string {
  if (failure === undefined) return '';
  const { way, differences, interfaceId, flow } = failure;
  const whose = interfaceId === '' ? 'no known interface' : `the interface ${oneLine(interfaceId)}`;
  return [
    `${place}  ${oneLine(scenario.name)}`,
    '',
    indent(table(['at', 'field', 'expected', 'found'], differences.map(rowOf))),
    '',
    `  flow of ${whose}: ${describeFlow(flow)}`,
    '',
    `  ${wayInWords(way, ways, failed)}:`,
    '',
    indent(
      table(['log', 'after', 'step', 'branch', 'attempt', 'status', 'event_time'], logsOf(scenario, way)),
    ),
    '',
  ].join('\n');
}

/** `12 scenarios passed, 1 failed`. */
export function countResults(results: readonly ScenarioResult[]): string {
  const failed = results.filter(({ failure }) => failure !== undefined).length;
  const passed = results.length - failed;
  const words = `${passed} ${passed === 1 ? 'scenario' : 'scenarios'} passed`;
  return failed === 0 ? words : `${words}, ${failed} failed`;
}

function rowOf({ at, field, expected, found }: FoundDifference): string[] {
  return [at === undefined ? '' : durationText(at), field, expected, found];
}

function wayInWords({ twice }: Way, ways: number, failed: number): string {
  const how = twice ? 'with the logs in this order, each collected twice' : 'with the logs in this order';
  if (ways === 1) return how;
  return failed === ways
    ? `${how}, and so in all of the ${ways} ways that were tried`
    : `${how}; ${failed} of the ${ways} ways that were tried fail`;
}

function logsOf({ logs }: Scenario, { order }: Way): string[][] {
  return order.map((place) => {
    const { log, after = 0 } = logs[place] ?? {};
    return [
      String(place + 1),
      after === 0 ? '' : durationText(after),
      log?.step ?? '',
      log?.branch ?? '',
      log === undefined || log.attempt === 1 ? '' : String(log.attempt),
      log?.status ?? '',
      log?.event_time ?? '',
    ];
  });
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
