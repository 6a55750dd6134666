import type { Inspector } from './inspector.ts';
import type { Sink } from './sink.ts';

/** What is behind a sink's config. */
export type Store = Omit<Sink, 'streams' | 'inspector'> & { readonly inspector: Inspector };

/**
 * A sink whose code is loaded when it is first used: a store's driver takes 10 to 20 MB and 50 to 160 ms, and every process reads a config
 * that may name any store. What is wrong with making it is told by the first call.
 *
 * @param options.joint whether it has `writeJoint`
 */
export function lazySink(
  streams: Sink['streams'],
  load: () => Promise<Store>,
  { joint = false }: { joint?: boolean } = {},
): Sink {
  let loading: ReturnType<typeof load> | undefined;
  const loaded = () => (loading ??= load());
  return {
    streams,
    open: async (signal) => (await loaded()).open(signal),
    write: async (batch, signal) => (await loaded()).write(batch, signal),
    ...(joint && {
      writeJoint: async (batch, signal) => {
        const { writeJoint } = await loaded();
        if (writeJoint === undefined) throw new TypeError('the store knows no joint batches');
        return writeJoint(batch, signal);
      },
    }),
    close: async () => {
      // What could not be made has been told already, and there is nothing to close.
      const sink = await loading?.catch(() => undefined);
      await sink?.close();
    },
    inspector: {
      logs: async (collected, signal) => (await loaded()).inspector.logs(collected, signal),
      transactions: async (asked, signal) => (await loaded()).inspector.transactions(asked, signal),
    },
  };
}
