import { statfs } from 'node:fs/promises';
import { isSystemError } from './problems.ts';

/**
 * Where the system tells of every change that is made on this machine: https://man7.org/linux/man-pages/man2/statfs.2.html. Network mounts are
 * none, since others change them; of what is not in the list nothing is known.
 */
const LOCAL_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, // ext2, ext3, ext4
  0x5846_5342, // XFS
  0x9123_683e, // Btrfs
  0x0102_1994, // tmpfs
  0x794c_7630, // overlayfs
  0x2fc1_2fc1, // ZFS
  0xf2f5_2010, // F2FS
]);

/** More folders than these are not asked about: they are looked at themselves. */
const FOLDERS_MAX = 100;

/** Whether the system tells of every change in these folders, as far as that can be known. */
export async function areToldOf(folders: ReadonlySet<string>): Promise<boolean> {
  if (folders.size > FOLDERS_MAX) return false;
  for (const folder of folders) {
    try {
      const { type } = await statfs(folder);
      if (!LOCAL_FILE_SYSTEMS.has(type)) return false;
    } catch (error) {
      if (!isSystemError(error)) throw error;
      return false;
    }
  }
  return true;
}
