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
