import { describe, expect, test } from 'vitest';
import type { AlertMessage } from './message.ts';
import { testMessage } from './test-message.ts';
import { textOf } from './text.ts';

/** What messages of every kind of rule say, in both languages. */

const NOW = Date.parse('2026-01-30T00:00:00Z');
const settings = { timeZone: 'Asia/Seoul', link: undefined };
const message = (more: Partial<AlertMessage>): AlertMessage => ({
  ...testMessage(NOW, 'id'),
  kind: 'firing',
  rule: 'r',
  severity: 'critical',
  labels: { interface: 'order' },
  ...more,
});

const cases: [Partial<AlertMessage>, string, string][] = [
  [{ type: 'failed', count: 4000 }, '4,000 transactions failed', '거래 4,000건 실패'],
  [{ type: 'failed', count: 1 }, '1 transaction failed', '거래 1건 실패'],
  [{ type: 'timed_out', count: 2 }, '2 transactions timed out', '거래 2건 시간 초과'],
  [
    { type: 'slow', count: 2, bound: 90_000 },
    '2 transactions took longer than 1m30s',
    '거래 2건이 1분 30초보다 오래 걸림',
  ],
  [{ type: 'dead_letters', count: 12 }, '12 dead letters', '수집하지 못한 레코드 12건'],
  [
    { type: 'failure_rate', value: 0.0723, bound: 0.05, window: 300_000 },
    '7.23% of transactions ended badly within 5m (bound 5%)',
    '최근 5분 동안 거래의 7.23%가 비정상 종료 (기준 5%)',
  ],
  [{ type: 'no_transactions', value: 600_000 }, 'no transaction for 10m', '10분 동안 거래 없음'],
  [
    { type: 'duration_quantile', value: 12_345, bound: 10_000, quantile: 0.95 },
    'p95 of durations is 12.3s (bound 10s)',
    '처리 시간 p95 12.3초 (기준 10초)',
  ],
  [
    { type: 'queue_time', value: 850, bound: 500, quantile: 0.999 },
    'p99.9 of queue times is 850ms (bound 500ms)',
    '대기 시간 p99.9 850밀리초 (기준 500밀리초)',
  ],
  [
    { type: 'failure_rate', kind: 'resolved', value: 0, peak: 0.5, bound: 0.05, window: 300_000 },
    '50% of transactions ended badly within 5m at the worst (bound 5%)',
    '최근 5분 동안 거래의 50%가 비정상 종료(최고치) (기준 5%)',
  ],
  [
    { type: 'no_transactions', kind: 'resolved', value: 0, peak: 3_600_000 },
    'transactions come again, after 1h without one',
    '1시간 만에 거래가 다시 들어옴',
  ],
];

describe.each([
  ['en', 1],
  ['ko', 2],
] as const)('in %s', (language, column) => {
  test.each(cases)('%j', (...[more, ...said]) => {
    const { subject, body } = textOf(message(more), language, settings);
    expect(subject.endsWith(`r: order: ${said[column - 1]}`)).toBe(true);
    expect(body).toContain(said[column - 1]);
  });
});

test('a message of everything, in lines that line up', () => {
  const whole = message({
    type: 'failed',
    kind: 'update',
    labels: { team: 'eai', interface: 'order', step: 'receive', branch: 'wms', error_code: 'E42' },
    count: 4000,
    added: 120,
    cleared: 12,
    last_at: NOW + 60_000,
    samples: ["it's", 'T-2'],
    also: [{ labels: { interface: 'other' }, count: 3 }],
    also_count: 40,
  });
  expect(
    textOf(whole, 'ko', {
      timeZone: 'Asia/Seoul',
      link: 'https://g.example/?t={{transaction_id}}&s={{severity}}',
    }),
  ).toEqual({
    subject: '[계속 발생] [심각] r: order / receive / wms / E42: 거래 4,000건 실패',
    body: [
      '내용         거래 4,000건 실패',
      'team         eai',
      '인터페이스   order',
      '단계         receive',
      '수신처       wms',
      '오류 코드    E42',
      '대상 시스템  TEST',
      '오류 메시지  this is how an error would be told',
      '시작 시각    2026-01-30 09:00:00.000 +09:00',
      '최근 시각    2026-01-30 09:01:00.000 +09:00',
      '건수         4,000, 지난 메시지 이후 120건, 재시도로 해소된 것 12건',
      "예시 거래    it's, T-2",
      String.raw`확인 명령    tranweave trace 'it'\''s'`,
      "링크         https://g.example/?t=it's&s=critical",
      '규칙         r (failed)',
      '',
      '같은 시각에 이 규칙의 알림이 40건 더 있습니다:',
      '  other  3',
      '',
    ].join('\n'),
  });
});
