/**
 * Redis has lost the end of what a source had appended, as it may in a failover or when a machine dies: the logs and the position behind
 * them, since both are in one partition. The source's low-water mark is lower now: opened anew, the source reads on from
 * there, and what the other partitions kept is skipped. Not retriable: the same append would leave the lost logs out.
 */
export class SourceFellBackError extends Error {
  override readonly name = 'SourceFellBackError';
  /** Where the source is to be read on from. */
  readonly position: number;

  constructor(position: number) {
    super(`Redis has lost what was appended behind position ${position}`);
    this.position = position;
  }
}
