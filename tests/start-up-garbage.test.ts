import { expect, test } from 'vitest';
import { openGround } from './chaos/ground.ts';

test('a role has looked for garbage once it works, before which its heap would grow without need', async () => {
  await using ground = await openGround(1, {});
  const { adminUrl } = await ground.start('collector');
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  expect(metrics).toMatch(/^nodejs_gc_duration_seconds_count\{kind="major"\} [1-9]/m);
});
