import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process has used so far, as the kernel counts it. Linux only, like the figures in docs/performance.md. */
export interface Usage {
  cpuMicros: number;
  /** Memory that it has now, and had at most. */
  rssBytes: number;
  peakBytes: number;
}

/** Ticks a second, in which /proc tells CPU time. */
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export function usageOf(pid: number): Usage {
  // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name in parentheses may hold spaces; utime and stime are fields 14 and 15.
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {
    cpuMicros: (ticks / TICKS_PER_SECOND) * 1e6,
    rssBytes: bytesOf('VmRSS'),
    peakBytes: bytesOf('VmHWM'),
  };
}

/**
 * Starts to look at what programs that are none of ours take from the machine (time that a hypervisor gives to others counts, too); the
 * result tells how many cores they used on average since. A figure that was taken beside busy others says little.
 */
export function watchOthers(pids: readonly number[]): () => number {
  const started = performance.now();
  const before = othersMicros(pids);
  return () => Math.max(0, (othersMicros(pids) - before) / 1000 / (performance.now() - started));
}

function othersMicros(pids: readonly number[]): number {
  const { user, system } = process.cpuUsage();
  return pids.reduce((rest, pid) => rest - usageOf(pid).cpuMicros, machineBusyMicros() - user - system);
}

function machineBusyMicros(): number {
  // https://man7.org/linux/man-pages/man5/proc_stat.5.html: user, nice, system, idle, iowait, irq, softirq, steal.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    /^cpu\s+(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? [];
  return ((user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND) * 1e6;
}
