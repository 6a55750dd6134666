/** Lets other requests and timers have their turn, in the midst of work that is long for a large body. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
