/** Runs a piece of work once those that were given before it have ended; resolves or rejects as it does. */
export type OneByOne = <T>(work: () => Promise<T>) => Promise<T>;

/** Pieces of work one after the other, in the order they came. One that fails holds up none; one that hangs holds up all. */
export function createOneByOne(): OneByOne {
  let last: Promise<void> = Promise.resolve();
  // What a piece results in is not kept.
  const ended = () => undefined;
  return (work) => {
    const done = last.then(work);
    last = done.then(ended, ended);
    return done;
  };
}
