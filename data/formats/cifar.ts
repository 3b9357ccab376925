import type { LabelledRows } from '#data/loaders/loader.js'
import { corrupt, fileSize, readRange } from '#data/files.js'
import { checkLabels } from './class-names.js'
import { pickPlanes } from './pixels.js'

const [SIDE, CHANNELS] = [32, 3]
const PIXELS = SIDE * SIDE

/** CIFAR's binary records: some label bytes, then the red, green and blue plane of 32 × 32. */
export interface CifarFiles {
  readonly paths: readonly string[]
  readonly labelBytes: number
  /** Which of the label bytes counts. */
  readonly labelAt: number
  readonly classes: readonly string[]
  readonly limit: number
}

async function recordCount(path: string, recordBytes: number): Promise<number> {
  const size = await fileSize(path, 'a file of CIFAR records')
  if (size === 0 || size % recordBytes !== 0) {
    throw corrupt(path, `a multiple of ${recordBytes} bytes (one record)`, `${size} bytes`)
  }
  return size / recordBytes
}

/** The records of all files in order, up to the limit. Every size is checked before a byte is read. */
async function readRecords({ paths, limit }: CifarFiles, recordBytes: number): Promise<Uint8Array> {
  const counts: number[] = []
  for (const path of paths) counts.push(await recordCount(path, recordBytes))
  const total = Math.min(
    limit,
    counts.reduce((sum, count) => sum + count, 0),
  )
  const records = new Uint8Array(total * recordBytes)
  let done = 0
  for (const [i, path] of paths.entries()) {
    const take = Math.min(counts[i]!, total - done)
    if (take > 0) records.set(await readRange(path, 0, take * recordBytes), done * recordBytes)
    done += take
  }
  return records
}

export async function openCifar(files: CifarFiles): Promise<LabelledRows> {
  const { labelBytes, labelAt, classes, paths } = files
  const stride = labelBytes + PIXELS * CHANNELS
  const records = await readRecords(files, stride)
  const labels = Int32Array.from(
    { length: records.length / stride },
    (_, i) => records[i * stride + labelAt]!,
  )
  checkLabels(paths.join(', '), labels, classes.length)
  const planes = { size: PIXELS, channels: CHANNELS, stride, offset: labelBytes }
  return {
    inputShape: [SIDE, SIDE, CHANNELS],
    classes,
    labels,
    features: async (indices) => pickPlanes(records, planes, indices),
  }
}
