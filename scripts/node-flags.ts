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
 * Flags of V8 that a role's process sets itself when it begins, however it was started: NODE_OPTIONS does not take them. A heap of a processor's size
 * grows to four times of what is in use before V8 looks for old objects that are not; with this to twice of it: 55 MiB less, for less CPU than one run
 * differs from another by (docs/performance.md).
 */
export function v8FlagsOf(role: string): readonly string[] {
  return role === 'processor' ? ['--heap-growing-percent=100'] : [];
}
