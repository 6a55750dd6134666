/**
 * How Node runs Tranweave, wherever it is started: the command's own first line, the image and `up` say the same, as a test holds them to.
 * It needs no flags. Lines of the sources in errors are common/source-lines.ts' affair, since Node's own flag for it takes some 5 MiB. Young
 * objects get the room that is usual (16 MiB): with 128 MiB nothing was faster, and each process took 30 to 180 MiB more (docs/performance.md).
 */
export const NODE_FLAGS: readonly string[] = [];
