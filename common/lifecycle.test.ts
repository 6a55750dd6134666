import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { aborted, runLifecycle } from './lifecycle.ts';
import type { Lifecycle } from './lifecycle.ts';
import { silentLogger } from './logger.ts';
import { withResolvers } from './testing/with-resolvers.ts';

/** A life in which parts note what happens to them; signals come from an emitter. */
function life(start: (lifecycle: Lifecycle) => Promise<void> | void, stopMsMax?: number) {
  const source = new EventEmitter();
  const started = withResolvers();
  const done = runLifecycle(
    async (lifecycle) => {
      await start(lifecycle);
      started.resolve();
    },
    { logger: silentLogger(), source, ...(stopMsMax === undefined ? {} : { stopMsMax }) },
  );
  return { source, started: started.promise, done };
}

describe('a stop', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'])(
    '%s stops the parts, last added first',
    async (signal) => {
      const stopped: string[] = [];
      const { source, started, done } = life((lifecycle) => {
        lifecycle.onStop('first', async () => void stopped.push('first'));
        lifecycle.onStop('second', async () => void stopped.push('second'));
      });
      await started;
      source.emit(signal);
      await done;
      expect(stopped).toEqual(['second', 'first']);
      expect(source.eventNames()).toEqual([]);
    },
  );

  it('that comes during the start reaches the start through its signal', async () => {
    const stopped: string[] = [];
    const { source, done } = life(async (lifecycle) => {
      lifecycle.onStop('first', async () => void stopped.push('first'));
      await aborted(lifecycle.stopping);
    });
    source.emit('SIGTERM');
    await done;
    expect(stopped).toEqual(['first']);
  });

  it('that came before anybody listened, since the parent is gone already, leaves everything unstarted', async () => {
    let starts = 0;
    const source = Object.assign(new EventEmitter(), { connected: false });
    await runLifecycle(async () => void (starts += 1), { logger: silentLogger(), source });
    expect(starts).toBe(0);
    expect(source.eventNames()).toEqual([]);
  });

  it('forces the parts to give up at the second signal', async () => {
    const { source, started, done } = life((lifecycle) => {
      lifecycle.onStop('slow', () => aborted(lifecycle.force));
    });
    await started;
    source.emit('SIGINT');
    source.emit('SIGINT');
    await done;
  });

  it('forces the parts to give up when the bound has passed', async () => {
    const { source, started, done } = life((lifecycle) => {
      lifecycle.onStop('slow', () => aborted(lifecycle.force));
    }, 10);
    await started;
    source.emit('SIGINT');
    await done;
  });

  it('leaves behind a part that never stops', async () => {
    const { source, started, done } = life((lifecycle) => {
      lifecycle.onStop('stuck', () => new Promise(() => undefined));
    }, 10);
    await started;
    source.emit('SIGINT');
    await done;
  });

  it('leaves behind a start that never ends', async () => {
    const { source, done } = life(() => new Promise(() => undefined), 10);
    source.emit('SIGINT');
    await done;
  });
});

describe('a failure', () => {
  it('of the start is thrown after the parts that were started have stopped', async () => {
    const stopped: string[] = [];
    const { done } = life(async (lifecycle) => {
      lifecycle.onStop('first', async () => void stopped.push('first'));
      throw new Error('port taken');
    });
    await expect(done).rejects.toThrow('port taken');
    expect(stopped).toEqual(['first']);
  });

  it('of a part stops the process, and the first one is thrown', async () => {
    const { started, done } = life((lifecycle) => {
      lifecycle.onStop('part', () => Promise.reject(new Error('second')));
      queueMicrotask(() => lifecycle.fail(new Error('first')));
    });
    await started;
    await expect(done).rejects.toThrow('first');
  });

  it('of a part to stop does not keep the others running, and is thrown', async () => {
    const stopped: string[] = [];
    const { source, started, done } = life((lifecycle) => {
      lifecycle.onStop('first', async () => void stopped.push('first'));
      lifecycle.onStop('second', () => Promise.reject(new Error('stuck')));
    });
    await started;
    source.emit('SIGTERM');
    await expect(done).rejects.toThrow('stuck');
    expect(stopped).toEqual(['first']);
  });
});
