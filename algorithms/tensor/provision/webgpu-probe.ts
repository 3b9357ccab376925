import { moduleCommand } from '#protocol/spawn.js'
import { complaint, runCommand } from './command.js'
import type { GpuAdapterInfo } from '#algorithms/tensor/webgpu-device.js'

export interface WebgpuProbe {
  readonly adapter: GpuAdapterInfo | null
  /** Why webgpu does not work, or null when it computed right. */
  readonly problem: string | null
}

const TIMEOUT_MS = 120_000

/** Tries webgpu in a process of its own, because a graphics driver can end it. Never rejects. */
export async function probeWebgpu(isSoftware: boolean, root?: string): Promise<WebgpuProbe> {
  const { file, execArgv } = moduleCommand(import.meta.url, './webgpu-probe-main.js')
  const env = {
    ...process.env,
    ...(isSoftware ? { TRIBUTARY_WEBGPU_SOFTWARE: '1' } : {}),
    ...(root === undefined ? {} : { TRIBUTARY_NATIVE_DIR: root }),
  }
  const result = await runCommand(process.execPath, [...execArgv, file], {
    env,
    timeoutMs: TIMEOUT_MS,
  })
  const line = result.stdout.trim().split('\n').at(-1)
  if (line?.startsWith('{')) return JSON.parse(line) as WebgpuProbe
  return { adapter: null, problem: `webgpu ended its process: ${complaint(result)}` }
}
