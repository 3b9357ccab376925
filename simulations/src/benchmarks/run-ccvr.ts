import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CcvrRequest } from './ccvr-main.js'
import type { CcvrSetting } from './ccvr-setting.js'
import type { ClientsMeasurement, CloseMeasurement, MergeMeasurement } from './ccvr.js'
import { askChild } from './measured-child.js'

export const CCVR = {
  name: 'ccvr',
  describe: 'a calibration of 100 classes by 512 features of 20 clients, on wasm',
  backends: ['wasm'],
} as const

/** CIFAR-100 on 20 clients. */
export const CCVR_SETTING: CcvrSetting = {
  ...{ classes: 100, features: 512, clients: 20, examples: 2500, overrides: [] },
}

export interface CcvrMeasurement {
  readonly clients: Omit<ClientsMeasurement, 'round'>
  readonly merge: MergeMeasurement
  readonly close: CloseMeasurement
}

/** Each step in a process of its own. The updates lie in a temporary directory meanwhile. Rejects when `signal` aborts. */
export async function measureCcvr(
  setting: CcvrSetting,
  {
    signal,
    onStep,
  }: { readonly signal?: AbortSignal; readonly onStep: (step: CcvrRequest['kind']) => void },
): Promise<CcvrMeasurement> {
  const directory = await mkdtemp(join(tmpdir(), 'tributary-ccvr-'))
  const ask = <Result>(request: CcvrRequest): Promise<Result> => {
    onStep(request.kind)
    return askChild<Result>('./ccvr-main.js', request, signal)
  }
  try {
    const step = { setting, directory }
    const { round, ...clients } = await ask<ClientsMeasurement>({ ...step, kind: 'clients' })
    const merge = await ask<MergeMeasurement>({ ...step, kind: 'merge', round })
    const close = await ask<CloseMeasurement>({ ...step, kind: 'close', round })
    return { clients, merge, close }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
