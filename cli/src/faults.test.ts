import { afterEach, describe, expect, it } from 'vitest'
import { faultPoint, setFaultHook } from '#protocol/fault-points.js'
import { faultHook, installFaults, parseFault, type Fault } from './faults.js'

afterEach(() => setFaultHook(null))

describe('TRIBUTARY_FAULT', () => {
  it('names a point, which time it is passed, and what happens then', () => {
    expect(parseFault('agg.mid')).toEqual({ point: 'agg.mid', nth: 1, kind: 'kill' })
    expect(parseFault('ack.sent:2')).toEqual({ point: 'ack.sent', nth: 2, kind: 'kill' })
    expect(parseFault('gc.mid:eio')).toEqual({ point: 'gc.mid', nth: 1, kind: 'eio' })
    expect(parseFault('client.saved:3:stop')).toEqual({
      ...{ point: 'client.saved', nth: 3, kind: 'stop' },
    })
  })

  it('is refused when it names something else', () => {
    for (const text of ['nowhere', 'agg.mid:0', 'agg.mid:later', 'agg.mid:1:kill:2', 'agg.mid:1:'])
      expect(() => parseFault(text)).toThrow(/TRIBUTARY_FAULT/)
  })

  it('strikes once, at the time it says', () => {
    const struck: Fault[] = []
    const hook = faultHook({ point: 'agg.mid', nth: 2, kind: 'kill' }, (what) => struck.push(what))
    setFaultHook(hook)
    faultPoint('agg.mid')
    faultPoint('ack.sent')
    expect(struck).toEqual([])
    faultPoint('agg.mid')
    faultPoint('agg.mid')
    expect(struck).toEqual([{ point: 'agg.mid', nth: 2, kind: 'kill' }])
  })

  it('fails as a disk does, or as nothing expects', () => {
    installFaults({ TRIBUTARY_FAULT: 'gc.mid:1:enospc' })
    expect(() => faultPoint('gc.mid')).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error)
    expect(() => faultPoint('gc.mid')).not.toThrow()
    installFaults({ TRIBUTARY_FAULT: 'commit.after:throw' })
    expect(() => faultPoint('commit.after')).toThrow(/injected at commit.after/)
  })

  it('reaches the processes that are started', () => {
    const env: NodeJS.ProcessEnv = { TRIBUTARY_FAULT: 'agg.mid', NODE_OPTIONS: '--no-warnings' }
    installFaults(env)
    expect(env['TRIBUTARY_FAULT_PARENT']).toBe(String(process.pid))
    expect(env['NODE_OPTIONS']).toMatch(/^--no-warnings .*--import=file:.*faults-main\.ts$/)
    const before = { ...env }
    installFaults(env)
    expect(env).toEqual(before)
  })

  it('is nothing without the variable', () => {
    const env: NodeJS.ProcessEnv = {}
    installFaults(env)
    expect(env).toEqual({})
    expect(() => faultPoint('agg.mid')).not.toThrow()
  })
})
