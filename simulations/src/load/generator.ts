import { startChild } from '#coordinator/compute/child-calls.js'
import type {
  Asked,
  Connected,
  Connecting,
  Return,
  Sending,
  Sent,
  Stalling,
  Standing,
} from './crowd.js'
import type { SlowSetting, SlowStanding } from './slow-peers.js'

/** The process that makes load, as its parent drives it. */
export interface Generator {
  readonly pid: number | null
  connect(how: Connecting): Promise<Connected>
  standing(): Promise<Standing>
  forget(): Promise<void>
  tasks(asked: Asked): Promise<number>
  connected(count: number, withinSeconds: number): Promise<number>
  send(how: Sending): Promise<Sent>
  stall(how: Stalling): Promise<number>
  returns(): Promise<readonly Return[]>
  attack(how: SlowSetting): Promise<void>
  attackers(): Promise<SlowStanding>
  retreat(): Promise<void>
  leave(): Promise<void>
  stop(): Promise<void>
}

export async function startGenerator(): Promise<Generator> {
  const child = startChild({ parentUrl: import.meta.url, path: './generator-main.js' })
  // The process starts with the first call.
  await child.call<Standing>('standing')
  return {
    get pid() {
      return child.pid
    },
    connect: (how) => child.call('connect', how),
    standing: () => child.call('standing'),
    forget: () => child.call('forget'),
    tasks: (asked) => child.call('tasks', asked),
    connected: (count, withinSeconds) => child.call('connected', count, withinSeconds),
    send: (how) => child.call('send', how),
    stall: (how) => child.call('stall', how),
    returns: () => child.call('returns'),
    attack: (how) => child.call('attack', how),
    attackers: () => child.call('attackers'),
    retreat: () => child.call('retreat'),
    leave: () => child.call('leave'),
    stop: () => child.stop(),
  }
}
