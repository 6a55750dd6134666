import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';

/** What `npm start` ends in: one command with this terminal, its signals and its exit code. */

/** Starts a script through runInForeground, as `npm start` does, in a process group of its own. */
function foreground(script: string) {
  const code = `import { runInForeground } from ${JSON.stringify(new URL('./foreground.mjs', import.meta.url).href)};
    process.exitCode = await runInForeground([process.execPath, '--eval', ${JSON.stringify(script)}], process.env);`;
  return spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
}

async function outputOf(child: ChildProcessByStdio<null, Readable, null>, until: string): Promise<string> {
  let output = '';
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes(until)) return output;
  }
  return output;
}

test('gives its exit code', async () => {
  const [code] = (await once(foreground('process.exit(7)'), 'exit')) as [number];
  expect(code).toBe(7);
});

test('hears of a Ctrl-C once, though terminal and npm both pass it on', async () => {
  const child = foreground(`
    let heard = 0;
    process.on('SIGINT', () => { heard += 1; if (heard === 1) setTimeout(() => process.exit(heard), 300); });
    setInterval(() => undefined, 1000);
    console.log('up');`);
  await outputOf(child, 'up');
  const exited = once(child, 'exit');
  // What a terminal does, and then npm.
  process.kill(-child.pid!, 'SIGINT');
  setTimeout(() => child.kill('SIGINT'), 50);
  expect((await exited)[0]).toBe(1);
});

test('whom a signal ends is told of as a shell does', async () => {
  const [code] = (await once(foreground("process.kill(process.pid, 'SIGKILL')"), 'exit')) as [number];
  expect(code).toBe(137);
});
