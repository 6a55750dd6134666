import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { environmentOf, nodeFlagsOf } from '../scripts/node-flags.ts';

/** A process of the bench's own that does what would disturb its clock: it sends loads, or is what a stage is compared with. */
export interface Helper {
  pid: number;
  /** Its next message. Throws when it ends instead. */
  told<T>(): Promise<T>;
  tell(message: string): void;
  /** Lets it go, and waits until it has ended. */
  end(): Promise<void>;
}

/** @param script beside this file, without its ending. */
export function startHelper(script: string, args: readonly string[]): Helper {
  const file = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
  // Memory as collectors have it, so that both are compared on the same terms.
  const child = fork(file, args, {
    stdio: 'inherit',
    execArgv: [...nodeFlagsOf('collector')],
    env: environmentOf('collector'),
    serialization: 'advanced',
  });
  const messages: unknown[] = [];
  const wake = new EventTarget();
  child.on('message', (message) => {
    messages.push(message);
    wake.dispatchEvent(new Event('message'));
  });
  let ended = false;
  child.once('exit', () => {
    ended = true;
    wake.dispatchEvent(new Event('message'));
  });
  const exit = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    async told<T>() {
      while (messages.length === 0) {
        if (ended) throw new Error(`${script} has failed`);
        await once(wake, 'message');
      }
      return messages.shift() as T;
    },
    tell: (message) => void child.send(message),
    async end() {
      if (child.connected) child.disconnect();
      child.kill('SIGTERM');
      await exit;
    },
  };
}
