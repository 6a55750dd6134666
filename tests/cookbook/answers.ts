import { expect } from 'vitest';
import {
  ageOf,
  compare,
  DAY,
  expectNear,
  floorTo,
  greatest,
  groups,
  HOUR,
  isDone,
  isOpen,
  isWithin,
  least,
  MINUTE,
  newest,
  p,
  pick,
  sqlTime,
  stepGroups,
  sum,
  unique,
} from './by-hand.ts';
import type { Asked, Row } from './by-hand.ts';
import { RECEIVERS } from './two-days.ts';

/** The cookbook's answers in TypeScript, from the logs and summaries themselves: by the headings of docs/sql-cookbook.md, in its order. */

type Answer = (rows: readonly Row[], asked: Asked) => void;

/** An answer that must be these rows, in this order. */
function exactly(compute: (asked: Asked) => object[]): Answer {
  return (rows, asked) => {
    const wanted = compute(asked);
    // A question that nothing answers would prove nothing.
    expect(wanted.length).toBeGreaterThan(0);
    expect(rows).toEqual(wanted);
  };
}

const oneExchange: Record<string, Answer> = {
  'Where is order SO-17?': exactly((asked) =>
    newest(asked)
      .filter((s) => Object.values(s.business_keys).includes('SO-17'))
      .map((s) => ({
        ...pick(s, 'transaction_id', 'interface_id', 'status', 'last_step', 'steps_finished'),
        ...pick(s, 'steps_expected', 'started_at', 'error_message'),
      })),
  ),
  'Which steps has it passed, and where did it wait?': exactly((asked) =>
    newest(asked)
      .filter((s) => s.transaction_id === 'D-0017')
      .flatMap(({ steps }) => steps)
      .map((s) => ({
        ...pick(s, 'step', 'branch', 'attempt', 'status', 'started_at', 'queue_ms'),
        ...pick(s, 'duration_ms', 'error_message'),
      })),
  ),
  'What was logged of it?': exactly((asked) =>
    unique(asked)
      .filter((log) => log.transaction_id === 'D-0017')
      .sort((a, b) => compare(a.event_time, b.event_time) || compare(a.event_id, b.event_id))
      .map((log) => ({
        event_time: sqlTime(log.event_time),
        ...pick(log, 'step', 'branch', 'attempt', 'status', 'node', 'input'),
        error_code: log.error_code ?? '',
      })),
  ),
  'Which of its logs were sent twice?': exactly(({ logs }) =>
    groups(
      logs.filter((log) => log.transaction_id === 'D-0018'),
      ({ event_id, step }) => ({ event_id, step }),
    )
      .filter(([, same]) => same.length > 1)
      .map(([names, same]) => ({
        ...names,
        times: same.length,
        first: sqlTime(least(same.map((log) => log.ingest_time))),
        last: sqlTime(greatest(same.map((log) => log.ingest_time))),
      })),
  ),
  'What was split off from it?': exactly((asked) =>
    newest(asked)
      .filter((s) => s.parent_transaction_id === 'D-0040')
      .map((s) => pick(s, 'transaction_id', 'interface_id', 'status')),
  ),
};

const wrongNow: Record<string, Answer> = {
  'What is stuck at the hub right now?': exactly((asked) =>
    newest(asked)
      .filter(isOpen)
      .flatMap((s) => s.steps.map((step) => ({ s, step })))
      .filter(({ step }) => step.step === 'hub' && step.status === 'started')
      .sort((a, b) => compare(a.step.started_at, b.step.started_at))
      .map(({ s, step }) => ({
        ...pick(s, 'transaction_id', 'interface_id'),
        node: step.node,
        at_the_hub_since: sqlTime(step.started_at),
      })),
  ),
  'How old is what has not come to its last step?': exactly((asked) =>
    groups(
      newest(asked)
        .filter(isOpen)
        .filter((s) => !s.steps.some((step) => step.step === 'receive' && isDone(step))),
      (s) => ({ interface_id: s.interface_id, age: ageOf(s, asked.nowMs) }),
    ).map(([names, { length: transactions }]) => ({ ...names, transactions })),
  ),
  'Which fan-outs miss a receiver?': exactly((asked) =>
    newest(asked)
      .filter((s) => s.interface_id === 'order' && isOpen(s))
      .filter((s) => s.steps.some(({ step, status }) => step === 'hub' && status === 'succeeded'))
      .sort((a, b) => compare(a.started_at, b.started_at))
      .map((s) => ({
        ...pick(s, 'transaction_id', 'started_at'),
        missing: RECEIVERS.filter((name) => !s.steps.some((step) => step.branch === name && isDone(step))),
      })),
  ),
  'What failed since yesterday, by error and receiver?': exactly((asked) =>
    groups(
      newest(asked).filter((s) => s.status === 'failed' && isWithin(s, DAY, asked)),
      (s) => ({ error_code: s.error_code, receiver: s.error_branch || s.target_system }),
    )
      .map(([names, failed]) => ({
        ...names,
        transactions: failed.length,
        last: sqlTime(greatest(failed.map((s) => s.error_at ?? ''))),
        samples: failed
          .map((s) => s.transaction_id)
          .sort()
          .slice(0, 3),
      }))
      .sort((a, b) => b.transactions - a.transactions),
  ),
  'What changed in the last hour?': exactly((asked) =>
    groups(
      newest(asked).filter((s) => asked.nowMs - Date.parse(s.updated_at) <= HOUR),
      ({ interface_id, status }) => ({ interface_id, status }),
    ).map(([names, { length: transactions }]) => ({ ...names, transactions })),
  ),
  'Who has fallen silent?': exactly(({ logs, nowMs }) =>
    groups(logs, ({ node = '' }) => ({ node }))
      .map(([{ node }, its]) => ({ node, last: greatest(its.map((log) => log.event_time)) }))
      .filter(({ last }) => nowMs - Date.parse(last) > 6 * HOUR)
      .map(({ node, last }) => ({ node, last_log: sqlTime(last) })),
  ),
  'What could not be taken, by reason and input?': exactly(({ deadLetters }) =>
    groups(deadLetters, ({ input, stage, reason }) => ({ input, stage, reason }))
      .map(([names, letters]) => ({
        ...names,
        records: letters.length,
        last: sqlTime(greatest(letters.map((letter) => letter.ingest_time))),
      }))
      .sort((a, b) => b.records - a.records),
  ),
};

const howItGoes: Record<string, Answer> = {
  'Which interface got slower since yesterday, and at which step?': (rows, asked) => {
    const wanted = stepGroups(asked, 2 * DAY, (step) => step.duration_ms);
    expect(rows).toHaveLength(wanted.length);
    for (const [names, measured] of wanted) {
      const row = rows.find(
        ({ interface_id, step }) => interface_id === names.interface_id && step === names.step,
      );
      const p95 = (isBefore: boolean) =>
        p(
          measured.filter(({ ageMs }) => ageMs > DAY === isBefore).map(({ value }) => value),
          0.95,
        );
      expectNear(row?.['before_p95_ms'], p95(true));
      expectNear(row?.['now_p95_ms'], p95(false));
    }
    const times = rows.map((row) => Number(row['times']));
    expect(times).toEqual([...times].sort((a, b) => b - a));
    expect(rows[0]).toMatchObject({ interface_id: 'invoice', step: 'hub' });
    expect(times[0]).toBeGreaterThan(2);
  },
  'How long do messages wait between steps?': (rows, asked) => {
    const wanted = stepGroups(asked, DAY, (step) => step.queue_ms);
    expect(rows).toMatchObject(wanted.map(([names, { length: measured }]) => ({ ...names, measured })));
    wanted.forEach(([, measured], i) => {
      const values = measured.map(({ value }) => value);
      expectNear(rows[i]!['p50_ms'], p(values, 0.5));
      expectNear(rows[i]!['p95_ms'], p(values, 0.95));
    });
  },
  'Which were the slowest?': exactly((asked) =>
    newest(asked)
      .filter((s) => s.duration_ms !== null && isWithin(s, DAY, asked))
      .sort((a, b) => b.duration_ms! - a.duration_ms!)
      .slice(0, 10)
      .map((s) => ({
        ...pick(s, 'transaction_id', 'interface_id', 'duration_ms'),
        slowest_step: [...s.steps].sort((a, b) => (b.duration_ms ?? 0) - (a.duration_ms ?? 0))[0]!.step,
      })),
  ),
  'Which share fails, every five minutes?': exactly((asked) =>
    groups(
      newest(asked).filter((s) => isWithin(s, 6 * HOUR, asked)),
      (s) => ({ five_minutes: floorTo(s.started_at, 5 * MINUTE), interface_id: s.interface_id }),
    ).map(([names, started]) => {
      const failed = started.filter(({ status }) => status === 'failed').length;
      const failed_percent = Math.round((1000 * failed) / started.length) / 10;
      return { ...names, started: started.length, failed_percent };
    }),
  ),
  'When is most going on?': exactly((asked) =>
    groups(newest(asked), (s) => ({ hour: floorTo(s.started_at, HOUR) }))
      .map(([names, { length: started }]) => ({ ...names, started }))
      .sort((a, b) => b.started - a.started)
      .slice(0, 5),
  ),
  'How much goes through each interface, a day?': exactly((asked) =>
    groups(newest(asked), ({ started_at, interface_id }) => ({
      day: started_at.slice(0, 10),
      interface_id,
    })).map(([names, started]) => {
      const count = (status: string) => started.filter((s) => s.status === status).length;
      const [completed_now, failed_now] = [count('completed'), count('failed')];
      return { ...names, started: started.length, completed_now, failed_now };
    }),
  ),
  'How much goes through each interface, a day? (2)': exactly((asked) =>
    groups(
      unique(asked).filter(({ step, status }) => step === 'send' && status === 'succeeded'),
      ({ event_time, interface_id = '' }) => ({ day: event_time.slice(0, 10), interface_id }),
    ).map(([names, sent]) => ({
      ...names,
      messages: sent.length,
      records: sum(sent.map((log) => log.record_count ?? 0)),
      bytes: sum(sent.map((log) => log.message_size ?? 0)),
    })),
  ),
  'What arrived late?': exactly((asked) =>
    groups(newest(asked), ({ interface_id }) => ({ interface_id })).map(([names, all]) => ({
      ...names,
      passed_over: all.filter(({ late }) => late).length,
      still_missing: all.filter(({ status }) => status === 'timed_out').length,
    })),
  ),
  'What arrived late? (2)': exactly((asked) =>
    groups(
      unique(asked).filter((log) => asked.nowMs - Date.parse(log.event_time) <= DAY),
      ({ input = '' }) => ({ input }),
    ).map(([names, logs]) => {
      const delays = logs.map((log) => [Date.parse(log.event_time), Date.parse(log.ingest_time)] as const);
      return {
        ...names,
        logs: logs.length,
        over_ten_minutes: delays.filter(([from, to]) => to - from > 10 * MINUTE).length,
        // dateDiff counts the boundaries of seconds between the two.
        most_seconds: Math.max(
          ...delays.map(([from, to]) => Math.floor(to / 1000) - Math.floor(from / 1000)),
        ),
      };
    }),
  ),
  'Where are retries needed?': exactly((asked) =>
    groups(
      newest(asked).flatMap(({ interface_id, steps }) =>
        steps.filter(({ attempt }) => attempt > 1).map((step) => ({ interface_id, ...step })),
      ),
      ({ interface_id, step, branch }) => ({ interface_id, step, branch }),
    )
      .map(([names, retried]) => ({
        ...names,
        retried: retried.length,
        mended: retried.filter(({ status }) => status === 'succeeded').length,
        attempts_max: Math.max(...retried.map(({ attempt }) => attempt)),
      }))
      .sort((a, b) => b.retried - a.retried),
  ),
};

export const answers: Readonly<Record<string, Answer>> = { ...oneExchange, ...wrongNow, ...howItGoes };
