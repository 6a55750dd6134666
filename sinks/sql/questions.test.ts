import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MYSQL, POSTGRESQL, openFixture } from './fixture.ts';
import type { SqlFixture } from './fixture.ts';

/** What is asked most must not read whole tables: looked up in the plans, with tables of some ten thousand rows. */

describe.skipIf(POSTGRESQL.missing !== undefined)('PostgreSQL finds', () => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(POSTGRESQL);
    await fixture.server.rows(
      `INSERT INTO tranweave.tracking_log SELECT 'e' || n, 'T' || n / 6, '', 'if' || n / 6 % 40, 'send', '', 1, CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'succeeded' END,
        now() - n * interval '10 s', now(), NULL, '', '', '', '', '', '', jsonb_build_object('order_no', 'SO-' || n / 6), NULL, NULL, '', '', '{}', '', CASE WHEN n % 100 = 0 THEN 't' || n ELSE '' END, ''
      FROM generate_series(1, 60000) AS n`,
    );
    await fixture.server.rows(
      `INSERT INTO tranweave.transaction_summary SELECT 'T' || n, 'if' || n % 40, '', '', '', CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'completed' END, now() - n * interval '10 s', NULL, now(), NULL,
        0, 0, '[]', '', '', '', '', '', NULL, jsonb_build_object('order_no', 'SO-' || n), false, false, NULL, 1, now(), now() - n * interval '10 s'
      FROM generate_series(1, 30000) AS n`,
    );
    await fixture.server.rows('VACUUM ANALYZE tranweave.tracking_log, tranweave.transaction_summary');
  }, 60_000);
  afterAll(() => fixture[Symbol.asyncDispose]());

  test.each([
    ['the logs of a transaction', "tracking_log WHERE transaction_id = 'T77'", 'tracking_log_pkey'],
    [
      'an interface over some hours',
      "tracking_log WHERE interface_id = 'if7' AND event_time > now() - interval '2 hours'",
      'tracking_log_by_interface',
    ],
    [
      'what failed in the last hours',
      "tracking_log WHERE status = 'failed' AND event_time > now() - interval '6 hours'",
      'tracking_log_by_failure',
    ],
    ['what carries a trace id', "tracking_log WHERE trace_id = 't100'", 'tracking_log_by_trace'],
    [
      'logs by a business key',
      `tracking_log WHERE business_keys @> '{"order_no": "SO-500"}'`,
      'tracking_log_by_business_key',
    ],
    ['a transaction', "transaction_summary WHERE transaction_id = 'T77'", 'transaction_summary_pkey'],
    [
      'transactions by a business key',
      `transaction_summary WHERE business_keys @> '{"order_no": "SO-500"}'`,
      'transaction_summary_by_business_key',
    ],
    [
      "transactions by a business key's value alone",
      `transaction_summary WHERE business_keys @? '$.* ? (@ == "SO-500")'`,
      'transaction_summary_by_business_key',
    ],
    [
      'what failed of what changed in the last hours',
      "transaction_summary WHERE status = 'failed' AND updated_at > now() - interval '6 hours'",
      'transaction_summary_by_status',
    ],
    [
      'what changed in the last minutes',
      "transaction_summary WHERE updated_at > now() - interval '5 minutes'",
      'transaction_summary_by_update',
    ],
    [
      'the steps of a transaction',
      "transaction_step WHERE transaction_id = 'T77'",
      'transaction_summary_pkey',
    ],
  ])('%s', async (_, question, index) => {
    const plan = await fixture.server.rows<Record<string, string>>(
      `EXPLAIN SELECT * FROM tranweave.${question}`,
    );
    expect(plan.map((row) => Object.values(row)[0]).join('\n')).toContain(index);
  });
});

describe.skipIf(MYSQL.missing !== undefined)('MariaDB finds', () => {
  let fixture: SqlFixture;
  beforeAll(async () => {
    fixture = await openFixture(MYSQL);
    await fixture.server.rows(
      `INSERT INTO tracking_log SELECT CONCAT('e', seq), CONCAT('T', seq DIV 6), '', CONCAT('if', seq DIV 6 % 40), 'send', '', 1, IF(seq % 500 = 0, 'failed', 'succeeded'),
        NOW(6) - INTERVAL seq * 10 SECOND, NOW(6), NULL, '', '', '', '', '', '', JSON_OBJECT('order_no', CONCAT('SO-', seq DIV 6)), NULL, NULL, '', '', '{}', '', '', ''
      FROM seq_1_to_60000`,
    );
    await fixture.server.rows(
      `INSERT INTO transaction_summary SELECT CONCAT('T', seq), CONCAT('if', seq % 40), '', '', '', IF(seq % 500 = 0, 'failed', 'completed'), NOW(6) - INTERVAL seq * 10 SECOND, NULL, NOW(6), NULL,
        0, 0, '[]', '', '', '', '', '', NULL, '{}', false, false, NULL, 1, NOW(6), NOW(6) - INTERVAL seq * 10 SECOND
      FROM seq_1_to_30000`,
    );
    await fixture.server.rows(
      `INSERT INTO business_key SELECT CONCAT('SO-', seq), 'order_no', CONCAT('T', seq) FROM seq_1_to_30000`,
    );
    await fixture.server.rows('ANALYZE TABLE tracking_log, transaction_summary, business_key');
  }, 60_000);
  afterAll(() => fixture[Symbol.asyncDispose]());

  test.each([
    ['the logs of a transaction', "tracking_log WHERE transaction_id = 'T77'", ['PRIMARY']],
    [
      'an interface over some hours',
      "tracking_log WHERE interface_id = 'if7' AND event_time > NOW() - INTERVAL 2 HOUR",
      ['by_interface'],
    ],
    [
      'what failed in the last hours',
      "tracking_log WHERE status = 'failed' AND event_time > NOW() - INTERVAL 6 HOUR",
      ['by_status'],
    ],
    ['a transaction', "transaction_summary WHERE transaction_id = 'T77'", ['PRIMARY']],
    [
      'transactions by a business key',
      "business_key AS k JOIN transaction_summary AS t ON t.transaction_id = k.transaction_id WHERE k.value = 'SO-500' AND k.name = 'order_no'",
      ['PRIMARY', 'PRIMARY'],
    ],
    [
      'what failed of what changed in the last hours',
      "transaction_summary WHERE status = 'failed' AND updated_at > NOW() - INTERVAL 6 HOUR",
      ['by_status'],
    ],
    [
      'what changed in the last minutes',
      'transaction_summary WHERE updated_at > NOW() - INTERVAL 5 MINUTE',
      ['by_update'],
    ],
    ['the steps of a transaction', "transaction_step WHERE transaction_id = 'T77'", ['PRIMARY', null]],
  ])('%s', async (_, question, indexes) => {
    const plan = await fixture.server.rows<{ key: string | null }>(`EXPLAIN SELECT * FROM ${question}`);
    expect(plan.map(({ key }) => key)).toEqual(indexes);
  });
});
