/**
 * Loaded before a coordinator (`--import`): its wall clock jumps to what the file of TRIBUTARY_TEST_CLOCK says, in
 * milliseconds beside the real time, whenever it gets SIGUSR2. The monotonic clock goes on, as in a machine whose time is set.
 */
import { readFileSync } from 'node:fs'

const RealDate = Date
let offsetMs = 0

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + offsetMs] : args))
  }
  static now() {
    return RealDate.now() + offsetMs
  }
}
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env.TRIBUTARY_TEST_CLOCK ?? '', 'utf8'))
})
