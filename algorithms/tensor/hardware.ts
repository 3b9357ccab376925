import { cpus, totalmem } from 'node:os'

/** What computes here, for reports. */
export function hardwareText(): string {
  const cores = cpus()
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  return `${cores[0]?.model.trim() ?? 'unknown processor'}, ${cores.length} cores, ${gigabytes} GiB`
}
