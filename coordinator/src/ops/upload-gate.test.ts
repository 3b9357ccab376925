import { setMaxListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '#testing/fake-clock.js'
import { SERVER_LIMITS } from './limits.js'
import { UploadGate, type Place } from './upload-gate.js'

const { signal } = new AbortController()
setMaxListeners(0, signal)
const { uploadStallMs, uploadBytesPerSecond, uploadWaitMs } = SERVER_LIMITS
const MB = 1e6
/** Microtasks of everything that was settled so far. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the gate of uploads', () => {
  const gateOf = (places: number) => {
    const clock = new FakeClock()
    let slow = 0
    const limits = { ...SERVER_LIMITS, uploadBytes: places * MB + 1 }
    const onSlow = (): void => void (slow += 1)
    const gate = new UploadGate({ clock, limits, bytesPerUpload: MB, onSlow })
    return { clock, gate, slow: () => slow }
  }
  const wait = (gate: UploadGate, order: string[], name: string): Promise<Place | string> =>
    gate.enter(signal).then(
      (place) => {
        order.push(name)
        return place
      },
      (error: { code: string }) => error.code,
    )

  it('has as many places as fit in the budget, one at least', () => {
    expect(gateOf(3).gate.places).toBe(3)
    expect(gateOf(0).gate.places).toBe(1)
    const bytesPerUpload = 4 * (262_144 + 16_384)
    const real = new UploadGate({ clock: new FakeClock(), limits: SERVER_LIMITS, bytesPerUpload })
    expect(real.places * bytesPerUpload).toBeLessThanOrEqual(SERVER_LIMITS.uploadBytes)
  })

  it('lets the others wait, in the order in which they came', async () => {
    const { gate } = gateOf(2)
    const order: string[] = []
    const [first] = [await gate.enter(signal), await gate.enter(signal)]
    for (const name of ['c', 'd', 'e']) void wait(gate, order, name)
    await settled()
    expect([order, gate.active, gate.waiting]).toEqual([[], 2, 3])
    first.leave()
    first.leave()
    // Comes in the same turn of the event loop as the place that is free: it does not overtake.
    void wait(gate, order, 'f')
    await settled()
    expect([order, gate.active, gate.waiting]).toEqual([['c'], 2, 3])
  })

  it('never holds more than its places, whatever leaves and comes', async () => {
    const { gate } = gateOf(3)
    let most = 0
    const work = async (): Promise<void> => {
      const place = await gate.enter(signal)
      most = Math.max(most, gate.active)
      await settled()
      place.leave()
    }
    await Promise.all(Array.from({ length: 50 }, work))
    expect([most, gate.active, gate.waiting]).toEqual([3, 0, 0])
  })

  it('takes the place from an upload that stands still, and gives it to the next', async () => {
    const { clock, gate, slow } = gateOf(1)
    const place = await gate.enter(signal)
    const next = gate.enter(signal)
    const enough = (uploadBytesPerSecond * uploadStallMs) / 1000
    place.received(enough)
    clock.advance(uploadWaitMs - 1)
    expect(place.isLost).toBe(false)
    clock.advance(uploadStallMs - uploadWaitMs + 1)
    expect(place.isLost).toBe(false)
    await expect(next).rejects.toMatchObject({ code: 'upload/too-slow', retryable: true })
    const again = gate.enter(signal)
    clock.advance(uploadWaitMs - 1)
    place.received(enough - 1)
    const rest = gate.enter(signal)
    rest.catch(() => undefined)
    clock.advance(1)
    await expect(again).rejects.toMatchObject({ code: 'upload/too-slow' })
    clock.advance(uploadStallMs - uploadWaitMs)
    expect([place.isLost, slow()]).toEqual([true, 1])
    expect((await rest).isLost).toBe(false)
    place.leave()
    expect(gate.active).toBe(1)
  })

  it('is left by who goes away while it waits, and keeps no timer', async () => {
    const { clock, gate } = gateOf(1)
    const leaving = new AbortController()
    const place = await gate.enter(signal)
    const waiting = gate.enter(leaving.signal)
    leaving.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await expect(gate.enter(leaving.signal)).rejects.toThrow('gone')
    expect(gate.waiting).toBe(0)
    place.leave()
    expect([gate.active, clock.pending]).toEqual([0, 0])
  })
})
