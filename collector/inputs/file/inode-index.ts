/** Ids of sources by inode: a file is looked for among those of its own, of which there are few. */
export class InodeIndex {
  readonly #ids = new Map<string, Set<string>>();

  of(ino: string): Iterable<string> {
    return this.#ids.get(ino) ?? [];
  }

  /** @param ino undefined of a source whose record cannot be read: nobody looks for it. */
  add(id: string, ino: string | undefined): void {
    if (ino === undefined) return;
    const ids = this.#ids.get(ino);
    if (ids === undefined) this.#ids.set(ino, new Set([id]));
    else ids.add(id);
  }

  remove(id: string, ino: string): void {
    const ids = this.#ids.get(ino);
    ids?.delete(id);
    if (ids?.size === 0) this.#ids.delete(ino);
  }
}
