import type { Inspector } from './inspector.ts';
import type { Sink } from './sink.ts';

/** What does a sink's work, once it is loaded. */
export type LazilyLoaded = Pick<Sink, 'open' | 'write' | 'close'>;

/** What is behind the config of a sink that stores rows. */
export type Store = LazilyLoaded & Pick<Sink, 'writeJoint'> & { readonly inspector: Inspector };

/**
 * A sink whose code is loaded when it is first used: a store's driver takes 10 to 20 MB and 50 to 160 ms, and every process reads a config
 * that may name any store. What is wrong with making it is told by the first call.
 */
export function lazySink(streams: Sink['streams'], load: () => Promise<LazilyLoaded>): Sink {
  return lazyPart(streams, once(load));
}

/**
 * The same of a store, into which `tranweave verify` can look.
 *
 * @param options.joint whether it has `writeJoint`
 */
export function lazyStore(
  streams: Sink['streams'],
  load: () => Promise<Store>,
  { joint = false }: { joint?: boolean } = {},
): Sink {
  const loading = once(load);
  const { loaded } = loading;
  return {
    ...lazyPart(streams, loading),
    ...(joint && {
      writeJoint: async (batch, signal) => {
        const { writeJoint } = await loaded();
        if (writeJoint === undefined) throw new TypeError('the store knows no joint batches');
        return writeJoint(batch, signal);
      },
    }),
    inspector: {
      logs: async (collected, signal) => (await loaded()).inspector.logs(collected, signal),
      transactions: async (asked, signal) => (await loaded()).inspector.transactions(asked, signal),
    },
  };
}

interface Loading<T> {
  readonly loaded: () => Promise<T>;
  /** Undefined if nobody has asked for it, or it could not be made. */
  readonly already: () => Promise<T | undefined>;
}

function once<T>(load: () => Promise<T>): Loading<T> {
  let loading: Promise<T> | undefined;
  return {
    loaded: () => (loading ??= load()),
    already: async () => loading?.catch(() => undefined),
  };
}

function lazyPart(streams: Sink['streams'], { loaded, already }: Loading<LazilyLoaded>): Sink {
  return {
    streams,
    open: async (signal) => (await loaded()).open(signal),
    write: async (batch, signal) => (await loaded()).write(batch, signal),
    // What could not be made has been told already, and there is nothing to close.
    close: async () => (await already())?.close(),
  };
}
