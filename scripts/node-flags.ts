/**
 * How Node runs Tranweave, wherever it is started: the command's own first line, the image and `up` say the same, as a test holds them to.
 * Errors name the sources' lines. Young objects get the room that is usual (16 MiB): with 128 MiB nothing was faster, and each process took 30
 * to 180 MiB more (docs/performance.md).
 */
export const NODE_FLAGS = ['--enable-source-maps'] as const;
