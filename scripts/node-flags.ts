/**
 * How Node runs Tranweave, wherever it is started: the command's own first line, the image and `up` say the same, as a test holds them to.
 * Errors name the sources' lines; and young objects (logs that live for milliseconds) get room, so that the garbage collector has less to copy.
 */
export const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=128'] as const;
