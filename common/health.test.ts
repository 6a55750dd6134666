import { expect, it } from 'vitest';
import { createHealth } from './health.ts';

function healthAt() {
  const clock = { ms: 0, now: () => clock.ms };
  return { clock, health: createHealth(clock) };
}

it('a process without parts is healthy', () => {
  expect(healthAt().health.report()).toEqual({ healthy: true, parts: [] });
});

it('an idle part may wait for ever', () => {
  const { clock, health } = healthAt();
  health.part('reader', 1000);
  clock.ms = 1e9;
  expect(health.report()).toEqual({
    healthy: true,
    parts: [{ name: 'reader', state: 'idle', quiet_ms: null }],
  });
});

it('a part at work without progress for longer than its bound is stalled, until it makes progress', () => {
  const { clock, health } = healthAt();
  const part = health.part('reader', 1000);
  part.begin();
  clock.ms = 1000;
  expect(health.report().healthy).toBe(true);
  clock.ms = 1001;
  expect(health.report()).toEqual({
    healthy: false,
    parts: [{ name: 'reader', state: 'stalled', quiet_ms: 1001 }],
  });
  part.progress();
  expect(health.report().healthy).toBe(true);
});

it('more work arriving does not hide that none gets done', () => {
  const { clock, health } = healthAt();
  const part = health.part('reader', 1000);
  part.begin();
  clock.ms = 900;
  part.begin();
  clock.ms = 1100;
  expect(health.report().healthy).toBe(false);
});

it('one stalled part makes the process unhealthy, and its removal mends it', () => {
  const { clock, health } = healthAt();
  const stuck = health.part('partition 1', 1000);
  stuck.begin();
  const well = health.part('partition 2', 1000);
  clock.ms = 5000;
  well.progress();
  expect(health.report().healthy).toBe(false);
  stuck.remove();
  expect(health.report().healthy).toBe(true);
});

it('a removed part does not take its successor of the same name with it', () => {
  const { health } = healthAt();
  const old = health.part('partition 1', 1000);
  health.part('partition 1', 1000);
  old.remove();
  expect(health.report().parts).toHaveLength(1);
});
