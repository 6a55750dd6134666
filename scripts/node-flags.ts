/**
 * Flags of Node for a role, as `up` and the benches start it; the compose file says the same by NODE_OPTIONS, as a test holds it to.
 *
 * A collector's young objects get half of the room that is usual (16 MiB): it takes 18 MiB less and no more CPU. Processors would take up to a third
 * more; with 128 MiB, as it once was, nothing was faster and each process took 30 to 180 MiB more (docs/performance.md). Lines of the sources in
 * errors are common/source-lines.ts' affair, since Node's own flag for it takes some 5 MiB.
 * Here is only what must be known before the heap is there.
 */
export function nodeFlagsOf(command: string): readonly string[] {
  return command === 'collector' ? ['--max-semi-space-size=8'] : [];
}

/**
 * What roles find in their environment when they begin; the image has it as well.
 *
 * glibc gives threads heaps of their own, up to eight for each core, and what is free in one is not used for another
 * (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_ARENA_MAX). With two of them a processor takes some 8 MiB less, a collector 4, and none
 * more CPU (docs/performance.md). Other libraries pass over it.
 */
export const ROLE_ENVIRONMENT = { MALLOC_ARENA_MAX: '2' };

/** The environment of a command's process, as `up` and the benches start it: ours, whose own values hold. The embedded ClickHouse, with its many threads, has no more than that. */
export function environmentOf(command: string): NodeJS.ProcessEnv {
  return command === 'clickhouse' ? process.env : { ...ROLE_ENVIRONMENT, ...process.env };
}

/**
 * Flags of V8 that a command's process sets itself when it begins, however it was started: NODE_OPTIONS does not take them. How far a heap may grow
 * before V8 looks for old objects that are not in use:
 *
 * - to twice of what is in use, and not to four times: a processor takes 55 MiB less, for less CPU than one run differs from another by. It
 *   holds from the first look on, for which see start-up-garbage.ts.
 * - to four times, and not to less as V8 sees fit, where nearly all memory is bytes on their way: V8 counts them to a heap that
 *   is small itself, and looked through it ten times a second, which was a third of the CPU of sinks.
 *
 * Figures: docs/performance.md.
 */
export function v8FlagsOf(command: string): readonly string[] {
  const growth = HEAP_GROWTH_PERCENT[command];
  return growth === undefined ? [] : [`--heap-growing-percent=${growth}`];
}
const HEAP_GROWTH_PERCENT: Readonly<Record<string, number>> = {
  collector: 100,
  processor: 100,
  sinks: 300,
  clickhouse: 300,
};
