import type { Hash } from '#protocol/ids.js'
import type { CellResult } from './cell-result.js'

/** Where finished cells are kept, so that an interrupted audit goes on behind the last of them. Whoever runs cells brings one. */
export interface CellCheckpoints {
  /** Null where there is none, or where it cannot be read any more: that cell is run again. */
  get(key: Hash): Promise<CellResult | null>
  put(result: CellResult): Promise<void>
}
