import { expect, test } from 'vitest';
import { RetriableError } from '../../common/errors.ts';
import { createConnections } from './connections.ts';

/** With connections that the test makes up; with real ones: trouble.test.ts. */

interface Made {
  id: number;
  destroyed: boolean;
  ended: boolean;
  breakNow: () => void;
}

const never = new AbortController().signal;

function aDriver() {
  const made: Made[] = [];
  let connecting: Promise<void> = Promise.resolve();
  const driver = {
    store: 'Store',
    connect: async (onEnd: (connection: Made) => void) => {
      await connecting;
      const connection: Made = {
        id: made.length,
        destroyed: false,
        ended: false,
        breakNow: () => onEnd(connection),
      };
      made.push(connection);
      return connection;
    },
    recover: async (_: Made, error: unknown) => error instanceof RangeError,
    end: async (connection: Made) => {
      connection.ended = true;
    },
    destroy: (connection: Made) => {
      connection.destroyed = true;
    },
  };
  return { driver, made, holdConnecting: (until: Promise<void>) => void (connecting = until) };
}

function aGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test('a connection is used again, by one at a time', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 2);
  for (let i = 0; i < 3; i += 1) expect(await connections.use(1000, never, async ({ id }) => id)).toBe(0);
  const gate = aGate();
  const first = connections.use(1000, never, async ({ id }) => gate.opened.then(() => id));
  expect(await connections.use(1000, never, async ({ id }) => id)).toBe(1);
  gate.open();
  expect([await first, made.length]).toEqual([0, 2]);
});

test('who comes when all are at work waits for its turn', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 1);
  const gate = aGate();
  const order: string[] = [];
  const first = connections.use(1000, never, () => gate.opened.then(() => order.push('first')));
  const second = connections.use(1000, never, async () => order.push('second'));
  gate.open();
  await Promise.all([first, second]);
  expect([order, made.length]).toEqual([['first', 'second'], 1]);
});

test('one that broke while it was idle is not used', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 1);
  await connections.use(1000, never, async () => undefined);
  made[0]!.breakNow();
  expect(await connections.use(1000, never, async ({ id }) => id)).toBe(1);
});

test('after a failure it is used again only if it recovers', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 1);
  const failing = (error: Error) =>
    connections.use(1000, never, async () => {
      throw error;
    });
  await expect(failing(new RangeError('mild'))).rejects.toThrow('mild');
  await expect(failing(new Error('hard'))).rejects.toThrow('hard');
  expect(made.map(({ destroyed }) => destroyed)).toEqual([true]);
  expect(await connections.use(1000, never, async ({ id }) => id)).toBe(1);
});

test('work that takes too long, or is told to end, ends with its connection', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 1);
  const hang = () => new Promise<never>(() => undefined);
  await expect(connections.use(20, never, hang)).rejects.toThrow('Store did not answer within 0.02 s');
  const told = new AbortController();
  const hanging = connections.use(60_000, told.signal, async () => {
    told.abort();
    return hang();
  });
  await expect(hanging).rejects.toThrow(RetriableError);
  expect(made.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  expect(await connections.use(1000, never, async ({ id }) => id)).toBe(2);
});

test('one that comes after it was given up is for nobody', async () => {
  const { driver, made, holdConnecting } = aDriver();
  const connections = createConnections(driver, 1);
  const gate = aGate();
  holdConnecting(gate.opened);
  let worked = false;
  const late = connections.use(20, never, async () => (worked = true));
  await expect(late).rejects.toThrow(RetriableError);
  gate.open();
  await expect.poll(() => made[0]?.destroyed).toBe(true);
  expect(worked).toBe(false);
});

test('closing takes leave of those that are idle, and is safe twice', async () => {
  const { driver, made } = aDriver();
  const connections = createConnections(driver, 2);
  await connections.use(1000, never, async () => undefined);
  await connections.close();
  await connections.close();
  expect(made.map(({ ended, destroyed }) => [ended, destroyed])).toEqual([[true, false]]);
});
