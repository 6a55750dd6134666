import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { checkTrackingLog } from '../../common/tracking-log.ts';
import { loadScenarios } from '../../scripts/scenarios/load.ts';
import { rulesOf } from '../../scripts/scenarios/play.ts';
import { reportFailure } from '../../scripts/scenarios/report.ts';
import { runScenario } from '../../scripts/scenarios/run.ts';
import { loadTranweaveConfig } from '../../scripts/tranweave-config.ts';

/** The examples' data is what their pages say it is. What Tranweave makes of it is tested elsewhere, against the same tables. */

const examples = fileURLToPath(new URL('../../examples/', import.meta.url));
const read = (file: string) => readFileSync(examples + file, 'utf8');

/** A row of the table under "What comes out": its numbers, without the name in front. */
function countsOf(page: string, name: string): number[] {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
  return rows
    .find((row) => row[1] === name && /^\d+$/.test(row[2] ?? ''))!
    .slice(2, -1)
    .map(Number);
}

/** The awk program on the page, run as a reader would. */
function runAwkOf(page: string, folder: string): string[] {
  const [, script] = /```sh\n(awk [^]+?)```/.exec(page)!;
  return execFileSync('sh', ['-c', script!], { cwd: examples + folder, encoding: 'utf8' })
    .trim()
    .split('\n');
}

describe('examples/orders', () => {
  const page = read('orders/README.md');

  test('holds the orders that its page counts', () => {
    expect(runAwkOf(page, 'orders')).toEqual([countsOf(page, 'shop-order').join(' ')]);
    expect(page).toContain(`prints \`${countsOf(page, 'shop-order').join(' ')}\``);
  });

  test('is told by two systems in eight fields, without a last newline', () => {
    for (const [file, events] of [
      ['shop.log', ['Order Placed', 'Order Received']],
      ['warehouse.log', ['Order Processed', 'Order Processing', 'Order Shipped', 'Processing Failed']],
    ] as const) {
      const rows = read(`orders/${file}`)
        .split('\n')
        .map((line) => line.split('|'));
      expect(rows.every((row) => row.length === 8 && row.every((field) => field !== ''))).toBe(true);
      expect(new Set(rows.map((row) => row[4]))).toEqual(new Set(events));
    }
  });

  test('is not in the order of time', () => {
    const times = read('orders/warehouse.log')
      .split('\n')
      .map((line) => line.slice(0, 20));
    expect(times).not.toEqual(times.toSorted());
  });
});

describe('examples/eai', () => {
  const page = read('eai/README.md');
  const files = ['send.log', 'hub.log', 'receive.log'];
  const lines = files.flatMap((file) => read(`eai/${file}`).trimEnd().split('\n'));

  test('holds the logs and transactions that its page counts', () => {
    const counted = runAwkOf(page, 'eai').toSorted();
    const told = ['order-shop-wms', 'payment-shop-erp', 'stock-wms-all'].map(
      (name) => `${name} ${countsOf(page, name).slice(0, 2).join(' ')}`,
    );
    expect(counted).toEqual(told);
  });

  test('has a table whose rows add up', () => {
    const rows = ['order-shop-wms', 'payment-shop-erp', 'stock-wms-all'].map((name) => countsOf(page, name));
    const sums = rows[0]!.map((_, column) => rows.reduce((sum, row) => sum + row[column]!, 0));
    expect(countsOf(page, 'all')).toEqual(sums);
    for (const [, total, ...byStatus] of [...rows, sums]) {
      expect(byStatus.reduce((sum, count) => sum + count, 0)).toBe(total);
    }
  });

  test('is of standard logs as they stand', () => {
    const stamp = { event_id: 'x', ingest_time: '2026-03-02T00:00:00Z', channel: 'file', input: 'eai' };
    const issues = lines.flatMap(
      (line) => checkTrackingLog(JSON.parse(line) as Record<string, unknown>, stamp).issues ?? [],
    );
    expect(issues).toEqual([]);
  });
});

describe.each(['orders', 'eai'])('the scenarios of examples/%s', (folder) => {
  const rules = rulesOf(loadTranweaveConfig(`${examples}${folder}/tranweave.yml`, {}));
  const scenarios = loadScenarios(`${examples}${folder}/scenarios.yml`, {}).map(
    ({ scenario, place }) => [scenario.name, scenario, place] as const,
  );

  test.each(scenarios)('%s', (_name, scenario, place) => {
    expect(reportFailure(place, runScenario(scenario, rules))).toBe('');
  });
});

test('addresses in examples are of the ranges that are reserved for them', () => {
  const logs = readdirSync(examples, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.log'),
  );
  expect(logs.length).toBeGreaterThanOrEqual(5);
  const text = logs.map(read).join('\n');
  const ips = text.match(/\b\d{1,3}(\.\d{1,3}){3}\b/g) ?? [];
  expect(ips.filter((ip) => !/^(192\.0\.2|198\.51\.100|203\.0\.113)\./.test(ip))).toEqual([]);
  const mails = text.match(/[\w.]+@[\w.]+/g) ?? [];
  expect(mails.filter((mail) => !/@example\.(com|org|net)$/.test(mail))).toEqual([]);
});
