import type { Scanner } from './scan.ts';

/**
 * A record ends at a sequence of bytes that is no part of it. Characters may be units of several bytes (UTF-16): the sequence
 * counts only where a unit begins.
 *
 * @param before dropped once if it stands before the delimiter; empty for nothing. As long as a unit, or empty.
 */
export function createDelimiterScanner(
  delimiter: Buffer,
  before: Buffer,
  unitBytes = before.length,
): Scanner {
  let unitAt = 0;
  return {
    begin: (start) => {
      unitAt = firstUnitAt(start, unitBytes);
    },
    scan: (window, at) => {
      const found = indexOfUnits(window, delimiter, at, unitBytes, unitAt);
      if (found >= 0) {
        const tail = delimiter.length + (endsWith(window, before, found) ? before.length : 0);
        return { end: found + delimiter.length, head: 0, tail };
      }
      // The delimiter may have begun, and what is dropped before it may be the last unit.
      return wholeUnits(window.length - delimiter.length - before.length, at, unitBytes);
    },
    cutOff: (window) => ({
      end: window.length,
      head: 0,
      tail: endsWith(window, before, window.length) ? before.length : 0,
    }),
  };
}

/** Index of the first unit in a record that starts at an offset: one behind a place where bytes were missing may start within a unit. */
export function firstUnitAt(start: number, unitBytes: number): number {
  return (unitBytes - (start % unitBytes)) % unitBytes;
}

/** How far a scan came, in whole units, so that the windows that follow have their units at the same indexes. */
export function wholeUnits(bytes: number, at: number, unitBytes: number): number {
  return Math.max(at, bytes - (bytes % unitBytes));
}

/** As indexOf, but only where a unit begins. */
export function indexOfUnits(
  window: Buffer,
  bytes: Buffer,
  from: number,
  unitBytes: number,
  unitAt: number,
): number {
  let found = window.indexOf(bytes, from);
  while (found >= 0 && found % unitBytes !== unitAt) found = window.indexOf(bytes, found + 1);
  return found;
}

/** Whether the part of the window that ends at `end` ends with the bytes. */
export function endsWith(window: Buffer, bytes: Buffer, end: number): boolean {
  const start = end - bytes.length;
  return bytes.length > 0 && start >= 0 && bytes.equals(window.subarray(start, end));
}
