import { messageIdOf, priorityOf } from './message.ts';
import type { StandInMessage } from './message.ts';

/** What a queue is defined with; as `DEFINE QLOCAL` says it. */
export interface QueueDefinition {
  /** BOTHRESH; 0 if not given. */
  backoutThreshold?: number;
  /** BOQNAME. */
  backoutQueue?: string;
  /** MAXDEPTH. */
  depthMax?: number;
}

/** Messages of one priority: what came in order, and what came back, which stands before it. */
interface Lane {
  fresh: StandInMessage[];
  head: number;
  returned: StandInMessage[];
}

const PRIORITIES = 10;
/** Space of messages that were taken is given back in one go. */
const COMPACT_AT = 1024;

/** A local queue with MSGDLVSQ(PRIORITY): highest priority first, oldest first among equals, also after a backout. */
export class StandInQueue {
  readonly definition: QueueDefinition;
  readonly #lanes: Lane[] = Array.from({ length: PRIORITIES }, () => ({ fresh: [], head: 0, returned: [] }));

  constructor(definition: QueueDefinition) {
    this.definition = definition;
  }

  /** Messages that a getter could get now. */
  get depth(): number {
    return this.#lanes.reduce(
      (sum, { fresh, head, returned }) => sum + fresh.length - head + returned.length,
      0,
    );
  }

  add(message: StandInMessage): void {
    this.#lanes[priorityOf(message.md)]?.fresh.push(message);
  }

  /** A message whose unit of work was backed out. */
  giveBack(message: StandInMessage): void {
    const lane = this.#lanes[priorityOf(message.md)];
    if (lane === undefined) return;
    const after = lane.returned.findIndex(({ number }) => number > message.number);
    lane.returned.splice(after === -1 ? lane.returned.length : after, 0, message);
  }

  /** All messages in the order in which they would be got. */
  list(): StandInMessage[] {
    return this.#lanes
      .toReversed()
      .flatMap(({ fresh, head, returned }) =>
        [...returned, ...fresh.slice(head)].sort((a, b) => a.number - b.number),
      );
  }

  /** The first message, or the one with this id. */
  peek(messageId?: Buffer): StandInMessage | undefined {
    if (messageId !== undefined) return this.list().find(({ md }) => messageIdOf(md).equals(messageId));
    const lane = this.#lanes.findLast(
      ({ fresh, head, returned }) => returned.length > 0 || head < fresh.length,
    );
    return lane === undefined ? undefined : firstOf(lane);
  }

  /** Takes a message that `peek` has shown. */
  remove(message: StandInMessage): void {
    const lane = this.#lanes[priorityOf(message.md)];
    if (lane === undefined) return;
    const back = lane.returned.indexOf(message);
    if (back !== -1) {
      lane.returned.splice(back, 1);
    } else if (lane.fresh[lane.head] === message) {
      lane.head += 1;
      if (lane.head >= COMPACT_AT) lane.fresh.splice(0, lane.head);
      if (lane.head >= COMPACT_AT) lane.head = 0;
    } else {
      lane.fresh.splice(lane.fresh.indexOf(message, lane.head), 1);
    }
  }
}

function firstOf({ fresh, head, returned }: Lane): StandInMessage | undefined {
  const [back] = returned;
  const next = fresh[head];
  if (back === undefined || next === undefined) return back ?? next;
  return back.number < next.number ? back : next;
}
