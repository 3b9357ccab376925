/** What processes take of the machine, as the kernel tells it: reliability specification §4. Linux only. */
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'

export type Role = 'coordinator' | 'compute' | 'generator' | 'driver'
export interface Sample {
  /** On the clock of `performance.timeOrigin + performance.now()`. */
  readonly atMs: number
  readonly role: Role
  readonly pid: number
  /** Resident memory now, and its peak since the process began (VmHWM). */
  readonly rssBytes: number
  readonly peakRssBytes: number
  /** Of processor time since the process began. */
  readonly cpuSeconds: number
  /** Open file descriptors: connections are among them. */
  readonly descriptors: number
}
export interface MachineUse {
  readonly atMs: number
  /** Of processor time that anything on the machine has taken since it began, over all cores. */
  readonly busySeconds: number
}
/** The kernel counts in these; fixed on Linux whatever its timer does. */
const TICKS_PER_SECOND = 100
export const SAMPLE_MS = 250

const wallMs = (): number => performance.timeOrigin + performance.now()
const textOf = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

/** Null when there is no such process, or no more. */
export async function sampleProcess(role: Role, pid: number): Promise<Sample | null> {
  const [status, stat] = await Promise.all([
    textOf(`/proc/${pid}/status`),
    textOf(`/proc/${pid}/stat`),
  ])
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const kilobytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  // After the name in brackets, which may hold anything: fields 14 and 15 of the whole line.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[11]) + Number(fields[12])
  if (status === '' || !Number.isFinite(ticks)) return null
  return {
    ...{ atMs: wallMs(), role, pid },
    rssBytes: kilobytes('VmRSS') * 1024,
    peakRssBytes: kilobytes('VmHWM') * 1024,
    cpuSeconds: ticks / TICKS_PER_SECOND,
    descriptors: descriptors.length,
  }
}

/** Processes that `pid` has started and that are alive. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await textOf(`/proc/${pid}/task/${pid}/children`)
  return text.split(' ').filter(Boolean).map(Number)
}

export async function sampleMachine(): Promise<MachineUse> {
  const [line = ''] = (await textOf('/proc/stat')).split('\n')
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  const ticks = user + nice + system + irq + softirq
  return { atMs: wallMs(), busySeconds: ticks / TICKS_PER_SECOND }
}

export interface Watched {
  readonly samples: readonly Sample[]
  readonly machine: readonly MachineUse[]
}
/** Takes samples until it is stopped. `processes` is asked each time: a coordinator that was killed has another number after it. */
export class ProcessWatch {
  readonly #processes: () => Promise<readonly (readonly [Role, number])[]>
  readonly #samples: Sample[] = []
  readonly #machine: MachineUse[] = []
  #isOver = false
  readonly #ended: Promise<void>

  constructor(processes: () => Promise<readonly (readonly [Role, number])[]>) {
    this.#processes = processes
    this.#ended = this.#watch()
  }
  get watched(): Watched {
    return { samples: this.#samples, machine: this.#machine }
  }
  async sampleNow(): Promise<void> {
    this.#machine.push(await sampleMachine())
    for (const [role, pid] of await this.#processes()) {
      const sample = await sampleProcess(role, pid)
      if (sample !== null) this.#samples.push(sample)
    }
  }
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#ended
    await this.sampleNow()
  }
  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await this.sampleNow()
      await pause(SAMPLE_MS)
    }
  }
}

/** What one kind of process took between two instants. Processor time of processes that were killed in between counts too. */
export function useOf({ samples }: Watched, role: Role, [fromMs, toMs]: readonly [number, number]) {
  const within = samples.filter(
    ({ role: one, atMs }) => one === role && atMs >= fromMs && atMs <= toMs,
  )
  const pids = [...new Set(within.map(({ pid }) => pid))]
  const cpuSeconds = pids.reduce((sum, pid) => {
    const own = within.filter((sample) => sample.pid === pid)
    return sum + ((own.at(-1)?.cpuSeconds ?? 0) - (own[0]?.cpuSeconds ?? 0))
  }, 0)
  return {
    cpuSeconds,
    firstRssBytes: within[0]?.rssBytes ?? 0,
    lastRssBytes: within.at(-1)?.rssBytes ?? 0,
    largestRssBytes: Math.max(0, ...within.map(({ rssBytes }) => rssBytes)),
    peakRssBytes: Math.max(0, ...within.map(({ peakRssBytes }) => peakRssBytes)),
    mostDescriptors: Math.max(0, ...within.map(({ descriptors }) => descriptors)),
    lastDescriptors: within.at(-1)?.descriptors ?? 0,
  }
}
export type ProcessLoad = ReturnType<typeof useOf>

/** How many cores were busy with the work of others between two instants; the specification discards runs above 0.3. */
export function foreignLoad(watched: Watched, span: readonly [number, number]): number {
  const [fromMs, toMs] = span
  const inside = watched.machine.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
  const [first, last] = [inside[0], inside.at(-1)]
  if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
  const own = (['coordinator', 'compute', 'generator', 'driver'] as const).reduce(
    (sum, role) => sum + useOf(watched, role, span).cpuSeconds,
    0,
  )
  const busy = last.busySeconds - first.busySeconds
  return Math.max(0, (busy - own) / ((last.atMs - first.atMs) / 1000))
}
