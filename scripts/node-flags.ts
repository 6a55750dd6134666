import { setFlagsFromString } from 'node:v8';

/**
 * Flags of Node for a role, as `up` and the benches start it; the compose file says the same by NODE_OPTIONS, as a test holds it to.
 *
 * A collector's young objects get half of the room that is usual (16 MiB): it takes 18 MiB less and no more CPU. Processors would take up to a third
 * more; with 128 MiB, as it once was, nothing was faster and each process took 30 to 180 MiB more (docs/performance.md). Lines of the sources in
 * errors are common/source-lines.ts' affair, since Node's own flag for it takes some 5 MiB.
 */
export function nodeFlagsOf(command: string): readonly string[] {
  return command === 'collector' ? ['--max-semi-space-size=8'] : [];
}

/**
 * What a role's process says to V8 when it begins, however it was started. Node lets a heap of this size grow to four times of what is in use before it
 * looks for old objects that are not; a processor's to twice of it: 55 MiB less, for less CPU than one run differs from another by (docs/performance.md).
 */
export function limitHeapOf(role: string): void {
  if (role === 'processor') setFlagsFromString('--heap-growing-percent=100');
}
